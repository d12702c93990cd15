/** Changes that change nothing: no test can notice them. Each with its reason; `npm run mutate` says which of them no longer exist. */
import type { Named } from './mutants.ts'

export type Equivalent = Named & { reason: string }

export const EQUIVALENTS: readonly Equivalent[] = [
  {
    ...{ file: 'services/fetcher/client/part.ts', operator: 'condition', original: 'chance?.waitMs === 0', replacement: 'false', nth: 0 },
    lineText: 'if (chance?.waitMs === 0) return chance',
    reason: 'spares a look at the other lanes: none has room sooner than now, and a later one of the same wait does not replace it',
  },
]
