/** Requests and responses as messages and logs show them: method and redacted URL, and a short excerpt of a body. */

import { secretParams } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { beginning } from '#shared/shown.ts'
import type { PageRequest } from './messages.ts'

/** Query parameters that hold this source's own credentials, besides those that `redactUrl` knows. */
export const secretParamsOf = (source: Source): readonly string[] => secretParams(source.auth)

export const describeRequest = (source: Source, request: PageRequest): string =>
  `${request.method} ${redactUrl(request.url, secretParamsOf(source))}`

/** The beginning of a text that an API wrote, on one line and short enough for a log. */
const EXCERPT_CHARS_MAX = 200
/** Characters examined: most texts are shorter once each run of blanks is one. */
const READ_CHARS_MAX = 4 * EXCERPT_CHARS_MAX

/** Ends with "…" wherever it was cut: this lets `redact` recognise the remaining beginning of a secret. */
export function excerptOf(text: string): string {
  const line = beginning(text, READ_CHARS_MAX)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  const isCut = line.length > EXCERPT_CHARS_MAX || text.length > READ_CHARS_MAX
  return isCut ? `${beginning(line, EXCERPT_CHARS_MAX)}…` : line
}
