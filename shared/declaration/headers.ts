/**
 * Headers that a declaration may set. Names and values are those of RFC 9110 section 5. Headers that carry a credential
 * or control the connection are refused, since a declaration is printed, compared and committed. A source may give
 * secret('NAME') in place of a value.
 */
import { z } from 'zod'
import { type SecretRef, secretRef } from './secret.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VISIBLE = /^[\x20-\x7e\t]*$/
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key', 'x-auth-token']
const CONNECTION = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
]

const value = z.string().regex(VISIBLE, 'expected the value of a header: printable ASCII on one line')

export const headers = z.record(z.string(), value).superRefine(checkNames)

/** Of a source: secrets are sent to its own origin only, and are kept out of everything that stores a request. */
export const sourceHeaders = z
  .record(z.string(), z.union([value, secretRef], "expected a text or secret('NAME')"))
  .superRefine(checkNames)

function checkNames(given: Readonly<Record<string, string | SecretRef>>, context: z.RefinementCtx): void {
  for (const [name, held] of Object.entries(given)) {
    const what = typeof held === 'string' && CREDENTIALS.includes(name.toLowerCase()) ? CREDENTIAL : headerMistake(name)
    if (what !== null) context.addIssue({ code: 'custom', message: what, path: [name] })
  }
}

const CREDENTIAL = 'is a credential: move it into auth, as secret(…)'

/** What is wrong with a computed header; null if nothing is. Shows no value. */
export function headerMistake(name: string, held = ''): string | null {
  if (!TOKEN.test(name)) return 'is not a valid header name'
  if (CONNECTION.includes(name.toLowerCase())) return 'is set by the connection, not by a declaration'
  return VISIBLE.test(held) ? null : 'is not a valid header value: use printable ASCII on one line'
}

/** Without the secret ones: these are added where the other credentials are, and nowhere else. */
export const plainHeaders = (declared: Readonly<Record<string, string | SecretRef>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(declared).filter((header): header is [string, string] => typeof header[1] === 'string'),
  )
