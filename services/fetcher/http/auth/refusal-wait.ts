/**
 * How long to wait after credentials were refused. Asking again each `every` changes nothing, and many APIs lock an
 * account for it. The wait doubles with each refusal and is bounded; other credentials end it at once. Pure.
 */
import type { CredentialsRefused } from '../errors.ts'

/** An API's 401 may be transient; what a token endpoint says of a grant is final (RFC 6749 section 5.2). */
const FIRST_MS = { api: 5_000, 'token-endpoint': 30_000 } as const
const WAIT_MS_MAX = 15 * 60_000
const DOUBLINGS_MAX = 10

/** `refusals`: consecutive ones, including this one. */
export const refusalWaitMs = ({ by }: Pick<CredentialsRefused, 'by'>, refusals: number): number =>
  Math.min(WAIT_MS_MAX, FIRST_MS[by] * 2 ** Math.min(refusals - 1, DOUBLINGS_MAX))
