/**
 * Whether a response comes from a schema registry: Confluent's API gives every error a code, and answers with JSON
 * only. Otherwise a URL without its path, a proxy's page or another service would look like a registry without schemas.
 * Good records would then look unreadable. Pure.
 */

/** `data`: the body as JSON, or its text where it is not JSON. */
export type Answer = { status: number; path: string; data: unknown }

/** The registry's own codes start with the status: 40401 no subject, 40402 no version, 40403 no schema. */
const OWN_CODES_FROM = 100
const EXCERPT_CHARS_MAX = 120

/** Why the response is foreign. Null for a registry's own, for a refused login, and for a server that is down. */
export function foreignIn({ status, path, data }: Answer): string | null {
  if (status === 401 || status === 403 || status === 407 || status === 408 || status === 429 || status >= 500)
    return null
  const isOwn = status >= 200 && status < 300 ? isOfForm(path, data) : hasOwnCode(data, status)
  return isOwn ? null : `${status} to ${path}${excerptOf(data)}`
}

function hasOwnCode(data: unknown, status: number): boolean {
  const code = fieldsOf(data).error_code
  return typeof code === 'number' && (code === status || Math.floor(code / OWN_CODES_FROM) === status)
}

function isOfForm(path: string, data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false
  const { schema, id } = fieldsOf(data)
  if (/\/schemas\/ids\/\d+$/.test(path)) return typeof schema === 'string'
  return /\/versions\/latest$/.test(path) && !path.includes('/compatibility/')
    ? typeof schema === 'string' && Number.isInteger(id)
    : true
}

const fieldsOf = (data: unknown): Record<string, unknown> =>
  typeof data === 'object' && data !== null ? { ...data } : {}

function excerptOf(data: unknown): string {
  const text = (typeof data === 'string' ? data : (JSON.stringify(data) ?? ''))
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
  if (text === '') return ' without a body'
  return `: ${text.length > EXCERPT_CHARS_MAX ? `${text.slice(0, EXCERPT_CHARS_MAX)}…` : text}`
}
