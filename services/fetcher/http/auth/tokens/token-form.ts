/**
 * The token request of an OAuth 2.0 grant (RFC 6749 sections 2.3.1 and 3.2). Its fields are a form, JSON or a query.
 * The client is among them, or in a Basic header.
 */
import { basicPair } from '#shared/basic-pair.ts'
import type { Resolver } from '#shared/config/config.ts'
import { FIELD_NAMES, type FieldName, type TokenRequestSpec } from '#shared/declaration/auth/token-request.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { setField } from '#shared/set-field.ts'
import { bodyText } from '../../body-text.ts'
import type { PageRequest } from '../../messages.ts'
import { withParam } from '../../query.ts'
import { USER_AGENT } from '../../transport/transport.ts'
import type { RawRequest } from '../../transport/undici.ts'
import { type LiveSecrets, madeOf } from '../live-secrets.ts'
import { tokenUrlOf } from './token-url.ts'

/** A public client has no secret, and its id goes into the body. */
export type TokenClient = { id: string; secret: string | null; in: 'header' | 'body' }
/** Undefined ones are not sent. */
export type GrantFields = Partial<Record<FieldName, string | undefined>>

export type TokenForm = {
  tokenUrl: URL
  /** Made for each attempt, since an assertion may be used only once. Null: the grant itself identifies the client. */
  raw(fields: GrantFields, client: TokenClient | null): RawRequest
  /** Values made of secrets, for redaction. */
  made(): readonly string[]
}

/** Throws WrongUse (HR_TOKEN_URL). */
export function tokenForm(
  spec: TokenRequestSpec,
  source: Pick<Source, 'name'>,
  baseUrl: string,
  { resolver, secrets }: { resolver: Resolver; secrets: LiveSecrets },
): TokenForm {
  const tokenUrl = tokenUrlOf(spec.tokenUrl, source, baseUrl, resolver)
  const made = madeOf()
  const nameOf = (field: FieldName) => (spec.names[field] === undefined ? FIELD_NAMES[field] : spec.names[field])

  return {
    tokenUrl,
    made: made.all,
    raw(given, client) {
      const fields: Record<string, unknown> = {}
      const set = (field: FieldName, value: string | null | undefined) => {
        const name = nameOf(field)
        if (name !== null && value !== undefined && value !== null) setField(fields, name, value)
      }
      for (const [field, value] of Object.entries(given)) set(field as FieldName, value)
      set('scope', scopeText(spec))
      for (const [name, value] of Object.entries(Object(secrets.json(spec.extra)))) setField(fields, name, value)
      let basic: string | null = null
      if (client !== null && client.secret !== null && client.in === 'header') {
        basic = made.make(basicPair(client.id, client.secret))
      } else if (client !== null) {
        set('clientId', client.id)
        set('clientSecret', client.secret)
      }
      const headers = headersOf(spec.headers, secrets)
      const encoded: Record<string, string> =
        basic === null ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }
      return rawOf({ ...spec, tokenUrl, headers: { ...headers, ...encoded }, fields }, secrets)
    },
  }
}

type Built = Pick<TokenRequestSpec, 'method' | 'sends' | 'params'> & {
  tokenUrl: URL
  headers: Record<string, string>
  fields: Record<string, unknown>
}

function rawOf({ tokenUrl, method, sends, params, headers, fields }: Built, secrets: LiveSecrets): RawRequest {
  const how = sends ?? (method === 'GET' ? 'query' : 'form')
  const inUrl = [...Object.entries(Object(secrets.json(params))), ...(how === 'query' ? Object.entries(fields) : [])]
  const url = inUrl.reduce((at, [name, value]) => withParam(at, name, String(value)), tokenUrl)
  const body = how === 'query' ? undefined : fields
  return rawRequest({ method, url, headers, body, encoding: how === 'form' ? 'form' : undefined })
}

/** As the transport sends it. */
export function rawRequest(request: PageRequest): RawRequest {
  const body = bodyText(request)
  return {
    method: request.method,
    url: request.url,
    headers: {
      accept: 'application/json',
      ...(body === null ? {} : { 'content-type': body.type }),
      'user-agent': USER_AGENT,
      ...request.headers,
    },
    body: body?.text,
  }
}

export const headersOf = (given: TokenRequestSpec['headers'], secrets: LiveSecrets): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), secrets.text(value)]))

export const scopeText = ({ scope, scopeSeparator }: Pick<TokenRequestSpec, 'scope' | 'scopeSeparator'>) =>
  Array.isArray(scope) ? scope.join(scopeSeparator) : scope
