/**
 * How long to wait after credentials were refused. Asking again each `every` changes nothing, and many APIs lock an
 * account for it. The wait doubles with each refusal and is bounded; other credentials end it at once. Pure.
 */
import { backoffMs } from '#shared/backoff.ts'
import type { CredentialsRefused } from '../errors.ts'

/** An API's 401 may be transient; what a token endpoint says of a grant is final (RFC 6749 section 5.2). */
const FIRST_MS = { api: 5_000, 'token-endpoint': 30_000 } as const
const WAIT_MS_MAX = 15 * 60_000

/** `refusals`: consecutive ones, including this one. */
export const refusalWaitMs = ({ by }: Pick<CredentialsRefused, 'by'>, refusals: number): number =>
  backoffMs({ firstMs: FIRST_MS[by], maxMs: WAIT_MS_MAX, failures: refusals })
