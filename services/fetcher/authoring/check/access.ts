/** The steps before the first record: do the secrets exist, does the address respond, are the credentials accepted? */
import type { Resolver } from '#shared/config/config.ts'
import { type AuthSpec, secretRefsOf, tokenUrlIn } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import type { SecretRef } from '#shared/declaration/secret.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import { AttemptFailed, CredentialsRefused, PageFailed, PageRefused, PageUnreadable } from '../../http/errors.ts'
import type { Api } from '../api.ts'
import { type CheckStep, failed, ok, skipped } from './step.ts'

export function secretsStep(source: Source, resolver: Resolver): CheckStep {
  const refs = secretRefsOf(source)
  if (refs.length === 0) return skipped('secrets', 'none declared')
  const failures = refs.flatMap((ref) => failureOf(ref, resolver))
  const [first] = failures
  if (first === undefined) return ok('secrets', `${refs.map(({ name }) => name).join(', ')}`)
  return failed('secrets', failures.map(messageOf).join('; '), hintOf(first))
}

function failureOf(ref: SecretRef, resolver: Resolver): unknown[] {
  try {
    resolver.secret(ref)
    return []
  } catch (error) {
    return [error]
  }
}

export const hintOf = (error: unknown): string | undefined => (error instanceof HeadraceError ? error.hint : undefined)

/** `error`: the error of the first page's request; null if it succeeded. */
export function addressStep(source: Source, api: Api, error: unknown): CheckStep {
  const name = typeof source.baseUrl === 'string' ? 'baseUrl' : source.baseUrl.name
  if (isUnanswered(error))
    return failed('address', messageOf(error), `check ${name}, and that this machine can reach it`)
  const wasAsked = (api.asked.at(-1)?.attempts ?? 0) > 0
  if (!wasAsked) return skipped('address', `${api.baseUrl} was not called`)
  return ok('address', `${api.baseUrl} answers`)
}

/** No attempt got a response. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof PageFailed &&
  error.cause instanceof AttemptFailed &&
  ['connection', 'timeout'].includes(error.cause.reason)

const hasNoToken = (error: unknown): boolean => error instanceof PageFailed && error.code === 'HR_TOKEN_UNAVAILABLE'

/** True if no other stream of the source would get a response either. */
export const isOutOfReach = (error: unknown): boolean => isUnanswered(error) || hasNoToken(error)

const FORBIDDEN = 403

export function credentialsStep({ auth }: Source, error: unknown): CheckStep {
  if (error instanceof CredentialsRefused) {
    const add = "declare auth: bearer(secret('NAME')), apiKey({ … }), basic({ … }) or oauth2ClientCredentials({ … })"
    return failed('credentials', messageOf(error), auth === undefined ? add : error.hint)
  }
  if (error instanceof PageRefused && error.status === FORBIDDEN)
    return failed('credentials', messageOf(error), error.hint)
  if (hasNoToken(error)) return failed('credentials', messageOf(error), hintOf(error))
  if (auth === undefined) return skipped('credentials', 'the source declares no auth')
  if (error instanceof PageRefused) return skipped('credentials', `unknown: the API answered ${error.status}`)
  if (error instanceof PageFailed || error instanceof PageUnreadable)
    return skipped('credentials', 'unknown: the API did not answer')
  return ok('credentials', `accepted (${auth.kind}${tokensFrom(auth)})`)
}

/** Another origin that the declaration sends credentials to. */
function tokensFrom(auth: AuthSpec): string {
  const url = tokenUrlIn(auth)
  return typeof url === 'string' && URL.canParse(url) ? `, tokens from ${new URL(url).origin}` : ''
}
