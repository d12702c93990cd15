/**
 * Puts a credential into its declared place of a request: a header with its scheme, a parameter, the body or a cookie.
 * Only the copy that is sent holds it. Pure.
 */
import type { CredentialPlace } from '#shared/declaration/auth/token-request.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { mistake } from '#shared/declaration/mistakes/mistakes.ts'
import type { PageRequest } from '../messages.ts'
import { withPlace } from '../with-place.ts'

export type PutCredential = (request: PageRequest, credential: string) => PageRequest

const TOKEN = '{token}'

/** `scheme`: the declaration's shorthand beside the place. Authorization has the scheme Bearer, other places none. */
export function putCredential(
  { file }: Pick<Source, 'file'>,
  { as, scheme }: { as?: CredentialPlace | undefined; scheme?: string | null | undefined },
): PutCredential {
  const { scheme: own = scheme, cookie, ...place } = as ?? {}
  const named = Object.values({ ...place, cookie }).some((name) => name !== undefined)
  const isAuthorization = !named || place.header?.toLowerCase() === 'authorization'
  const before = own === undefined && isAuthorization ? 'Bearer' : (own ?? null)
  return (request, credential) => {
    const text = withScheme(before, credential)
    if (cookie !== undefined) return withCookie(request, cookie, text)
    try {
      return withPlace(request, named ? place : { header: 'authorization' }, text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw mistake(file, null, 'auth', error.message, 'point to a member of an object in body')
    }
  }
}

export function withScheme(scheme: string | null, credential: string): string {
  if (scheme === null) return credential
  return scheme.includes(TOKEN) ? scheme.replaceAll(TOKEN, () => credential) : `${scheme} ${credential}`
}

function withCookie(request: PageRequest, name: string, value: string): PageRequest {
  const others = request.headers.cookie === undefined ? '' : `${request.headers.cookie}; `
  return { ...request, headers: { ...request.headers, cookie: `${others}${name}=${value}` } }
}
