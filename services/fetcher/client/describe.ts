/** Requests as messages and logs show them: method and URL, secrets replaced. */
import type { Source } from '../../../shared/declaration.ts'
import { redactUrl } from '../../../shared/redact.ts'
import type { PageRequest } from './send.ts'

/** Query parameters that hold this source's own credentials, besides those that `redactUrl` knows. */
export const secretParamsOf = (source: Source): readonly string[] =>
  source.auth?.kind === 'api-key' && source.auth.in === 'query' ? [source.auth.name] : []

export const describeRequest = (source: Source, request: PageRequest): string =>
  `${request.method} ${redactUrl(request.url, secretParamsOf(source))}`
