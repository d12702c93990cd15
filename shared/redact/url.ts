/**
 * Redacts URLs for logs, markers, dead letters and errors. User information, the fragment and the values of parameters
 * whose names suggest a secret become `***`. Everything else stays byte for byte, so a person can still tell two pages
 * apart.
 */

import { REDACTED } from './mark.ts'

/**
 * Compared without case, `-` and `_`. Names that only end like these, such as page_token, hold cursors and stay
 * readable.
 */
const SECRET_PARAMS = new Set([
  'key',
  'apikey',
  'appkey',
  'appid',
  'subscriptionkey',
  'accesskey',
  'privatekey',
  'secretkey',
  'userkey',
  'hapikey',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'authtoken',
  'apitoken',
  'sessiontoken',
  'bearertoken',
  'sessionid',
  'sig',
  'signature',
  'secret',
  'clientsecret',
  'appsecret',
  'apisecret',
  'password',
  'passwd',
  'pwd',
  'auth',
  'authorization',
  'credential',
  'credentials',
  'jwt',
  'xamzsignature',
  'xamzcredential',
  'xamzsecuritytoken',
  'xgoogsignature',
  'xgoogcredential',
])

/** Names that mean a secret as a field of an answer too. */
const SECRET_FIELD = /(token|secret|password|jwt|session(id)?|key|ticket|signature)$/

/** A name of a parameter or a field under which a secret may be. */
export const isSecretName = (name: string): boolean =>
  SECRET_PARAMS.has(plainName(name)) || SECRET_FIELD.test(plainName(name))

/** `secretParams`: further parameter names, such as that of the source's own API key. */
export function redactUrl(url: string | URL, secretParams: readonly string[] = []): string {
  const text = typeof url === 'string' ? url : url.href
  const secret = new Set([...SECRET_PARAMS, ...secretParams.map(plainName)])
  const [beforeFragment = '', fragment] = splitOnce(text, '#')
  const [place = '', query] = splitOnce(beforeFragment, '?')
  const shownPlace = place.replace(
    /^([a-z][a-z0-9+.-]*:)?\/\/[^/]*@/i,
    (_, scheme: string | undefined) => `${scheme ?? ''}//${REDACTED}@`,
  )
  const shownQuery =
    query === undefined
      ? ''
      : `?${query
          .split('&')
          .map((pair) => redactPair(pair, secret))
          .join('&')}`
  return `${shownPlace}${shownQuery}${fragment === undefined ? '' : `#${REDACTED}`}`
}

function redactPair(pair: string, secret: ReadonlySet<string>): string {
  const [name = '', value] = splitOnce(pair, '=')
  return value === undefined || value === '' || !secret.has(plainName(decoded(name))) ? pair : `${name}=${REDACTED}`
}

const plainName = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)]
}
