/** Changes that change nothing: no test can notice them. Each with its reason; `npm run mutate` says which of them no longer exist. */
import type { Mutant } from './mutants.ts'

export type Equivalent = Omit<Mutant, 'start' | 'end' | 'line' | 'column'> & { reason: string }

export const EQUIVALENTS: readonly Equivalent[] = []
