/** The options of curl that matter to a declaration, and those that do not (curl 8, `curl --help all`). */

/** By their long names. `value`: takes an argument. */
export type CurlOption = { name: string; value: boolean; effect: CurlEffect }
/**
 * `harmless` concerns output, time or transfer only. `elsewhere`: a source declares it in another way, which `says`
 * names. `refused`: no declaration can do that.
 */
export type CurlEffect = 'request' | 'harmless' | { elsewhere: string } | { refused: string }

const SHORT: Readonly<Record<string, string>> = {
  H: 'header',
  u: 'user',
  d: 'data',
  X: 'request',
  G: 'get',
  b: 'cookie',
  A: 'user-agent',
  e: 'referer',
  F: 'form',
  I: 'head',
  T: 'upload-file',
  K: 'config',
  x: 'proxy',
  U: 'proxy-user',
  k: 'insecure',
  E: 'cert',
  o: 'output',
  O: 'remote-name',
  m: 'max-time',
  w: 'write-out',
  c: 'cookie-jar',
  D: 'dump-header',
  s: 'silent',
  S: 'show-error',
  L: 'location',
  v: 'verbose',
  i: 'include',
  f: 'fail',
  g: 'globoff',
  N: 'no-buffer',
  q: 'disable',
  '#': 'progress-bar',
  '4': 'ipv4',
  '6': 'ipv6',
  '0': 'http1.0',
  '1': 'tlsv1',
}

const REQUEST_VALUES =
  'header user data data-raw data-binary data-ascii data-urlencode json request url cookie user-agent referer ' +
  'oauth2-bearer url-query'
const REQUEST_FLAGS = 'get'
const HARMLESS_VALUES =
  'output max-time connect-timeout retry retry-delay retry-max-time write-out cookie-jar dump-header limit-rate ' +
  'max-redirs speed-limit speed-time keepalive-time stderr trace trace-ascii output-dir ' +
  'create-file-mode max-filesize ciphers'
const HARMLESS_FLAGS =
  'remote-name silent show-error location verbose include fail fail-with-body globoff no-buffer disable progress-bar ' +
  'ipv4 ipv6 http1.0 http1.1 http2 http3 http2-prior-knowledge tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 compressed ' +
  'basic no-progress-meter retry-all-errors retry-connrefused location-trusted no-keepalive tcp-nodelay ' +
  'tcp-fastopen ssl ' +
  'ssl-reqd trace-time create-dirs remote-header-name fail-early no-location styled-output parallel anyauth'
const ELSEWHERE: Readonly<Record<string, [value: boolean, says: string]>> = {
  proxy: [true, 'proxy of the source, or HTTPS_PROXY'],
  'proxy-user': [true, 'proxy of the source, or HTTPS_PROXY'],
  noproxy: [true, 'NO_PROXY'],
  insecure: [false, 'tls of the source names the authority of a server'],
  cacert: [true, 'tls of the source'],
  capath: [true, 'tls of the source'],
  cert: [true, 'tls of the source'],
  key: [true, 'tls of the source'],
  pass: [true, 'tls of the source'],
  resolve: [true, 'baseUrl of the source'],
  'connect-to': [true, 'baseUrl of the source'],
}
const REFUSED: Readonly<Record<string, [value: boolean, says: string]>> = {
  form: [true, 'sends multipart/form-data, which a source cannot'],
  'form-string': [true, 'sends multipart/form-data, which a source cannot'],
  head: [false, 'asks for no body'],
  'upload-file': [true, 'uploads a file'],
  config: [true, 'reads options from a file: give them here'],
  digest: [false, 'is a way of authenticating that a source cannot'],
  ntlm: [false, 'is a way of authenticating that a source cannot'],
  negotiate: [false, 'is a way of authenticating that a source cannot'],
  'aws-sigv4': [true, 'signs each request: declare customAuth'],
  'unix-socket': [true, 'asks a socket of this machine'],
  next: [false, 'starts a second request: give one'],
}

/** Null for an option that is not known here. `given`: without its dashes; one character for a short one. */
export function curlOption(given: string): CurlOption | null {
  const name = given.length === 1 ? SHORT[given] : given
  if (name === undefined) return null
  const within = (list: string) => list.split(' ').includes(name)
  if (within(REQUEST_VALUES)) return { name, value: true, effect: 'request' }
  if (within(REQUEST_FLAGS)) return { name, value: false, effect: 'request' }
  if (within(HARMLESS_VALUES)) return { name, value: true, effect: 'harmless' }
  if (within(HARMLESS_FLAGS)) return { name, value: false, effect: 'harmless' }
  const elsewhere = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined
  if (elsewhere !== undefined) return { name, value: elsewhere[0], effect: { elsewhere: elsewhere[1] } }
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  return refused === undefined ? null : { name, value: refused[0], effect: { refused: refused[1] } }
}
