/** Changes that change nothing: no test can notice them. Each with its reason; `npm run mutate` says which of them no longer exist. */
import type { Named } from './mutants.ts'

export type Equivalent = Named & { reason: string }

export const EQUIVALENTS: readonly Equivalent[] = []
