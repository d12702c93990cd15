/**
 * Headers that a declaration may set. Names and values are those of RFC 9110 section 5; what carries a credential or steers the connection
 * is refused, since a declaration is printed, compared and committed.
 */
import { z } from 'zod'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VISIBLE = /^[\x20-\x7e\t]*$/
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key', 'x-auth-token']
const CONNECTION = ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'expect', 'te', 'trailer']

const value = z.string().regex(VISIBLE, 'expected the value of a header: printable ASCII on one line')

export const headers = z.record(z.string(), value).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    const what = whatIsWrong(name)
    if (what !== null) context.addIssue({ code: 'custom', message: what, path: [name] })
  }
})

function whatIsWrong(name: string): string | null {
  if (!TOKEN.test(name)) return 'is no name of a header'
  if (CREDENTIALS.includes(name.toLowerCase())) return 'carries a credential: that belongs into auth, as secret(…)'
  return CONNECTION.includes(name.toLowerCase()) ? 'is set by the connection, not by a declaration' : null
}
