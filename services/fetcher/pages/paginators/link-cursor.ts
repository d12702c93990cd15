/**
 * A link to the next page as a cursor: resolved against the URL that responded (RFC 3986), and kept with its own
 * parameters. User information, the fragment and any repeated credentials of the source are removed. The client decides
 * whether its origin may be requested.
 */

import { sendsBearerToken } from '#shared/declaration/auth.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { secretParamsOf } from '../../http/describe.ts'
import type { PageRequest } from '../../http/messages.ts'
import { withoutParams } from '../../http/query.ts'
import { foreignCursor, unclear } from './read-response.ts'

/** `conceal`: masks credentials that the API repeats under any name. */
export function linkCursor(stream: Stream, link: string, base: URL, conceal: (url: URL) => URL = (url) => url): string {
  if (!URL.canParse(link, base.href)) throw unclear(stream, 'the link to the next page is not a URL')
  const url = new URL(link, base)
  url.username = ''
  url.password = ''
  url.hash = ''
  return conceal(withoutParams(url, [...secretParamsOf(stream.source), ...tokenParams(stream)])).href
}

/** Throws Stopped if the cursor is not a stored link. */
export function linkRequest(stream: Stream, first: PageRequest, cursor: unknown): PageRequest {
  if (typeof cursor !== 'string' || !URL.canParse(cursor)) throw foreignCursor(stream, 'no link')
  return { ...first, url: new URL(cursor) }
}

/**
 * RFC 6750 section 2.3 allows a token in the query: an API that repeats it in its links would put it into the
 * checkpoint.
 */
function tokenParams({ source }: Stream): string[] {
  return sendsBearerToken(source.auth) ? ['access_token'] : []
}
