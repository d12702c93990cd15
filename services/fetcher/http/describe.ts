/** Requests as messages and logs show them: method and URL, secrets replaced. */

import { secretParams } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { redactUrl } from '#shared/redact.ts'
import type { PageRequest } from './messages.ts'

/** Query parameters that hold this source's own credentials, besides those that `redactUrl` knows. */
export const secretParamsOf = (source: Source): readonly string[] => secretParams(source.auth)

export const describeRequest = (source: Source, request: PageRequest): string =>
  `${request.method} ${redactUrl(request.url, secretParamsOf(source))}`
