/**
 * URLs of files that an API names in its answers. Their query may be a signature, which is as good as a credential. So
 * it is kept apart from the URL, and replaced wherever such an answer is shown or recorded. Pure.
 */
import { REDACTED } from '#shared/redact/mark.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Exchange, FileAccess, PageResponse } from './messages.ts'

/** The URL without user information, query and fragment, and its query apart. */
export function signedUrl(found: URL): { url: URL; query: string } {
  const url = new URL(found)
  url.username = ''
  url.password = ''
  url.hash = ''
  url.search = ''
  return { url, query: found.search }
}

/** Removes the signature, and what else is in the query, from a text that the server of the file wrote. */
export function redactorOfFile({ query }: FileAccess, redact: (text: string) => string): (text: string) => string {
  const values = [...new URLSearchParams(query).values()]
  const withoutQuery = textRedactor(() => values.flatMap((value) => [value, encodeURIComponent(value)]))
  return (text) => withoutQuery(redact(text))
}

const WITH_QUERY = /^(https?:\/\/[^?#\s]+)[?#].*$/i
const USER_INFO = /^(https?:\/\/)[^/@]*@/i

/** What is nested deeper is not shown. */
const DEPTH_MAX = 100

/** A copy of the body in which each URL has `***` in place of its query. */
export function withoutQueries(body: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return REDACTED
  if (typeof body === 'string') return body.replace(WITH_QUERY, `$1?${REDACTED}`).replace(USER_INFO, '$1')
  if (Array.isArray(body)) return body.map((each) => withoutQueries(each, depth + 1))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([name, each]) => [name, withoutQueries(each, depth + 1)]))
}

/** A response as it may be shown and recorded. */
export const shownResponse = (response: PageResponse, { job }: Exchange): PageResponse =>
  job === true ? { ...response, body: withoutQueries(response.body) } : response
