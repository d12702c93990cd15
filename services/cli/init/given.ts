/** What the options of `init` say of an endpoint: its address, its request, and what is not to be guessed. */
import { WrongUse } from '#shared/errors.ts'
import type { InitFlags } from './answers.ts'
import { streamNameOf } from './answers.ts'
import type { Endpoint } from './asked/endpoint.ts'
import type { Said } from './asked/findings.ts'
import { authPart } from './declaration.ts'
import { LIMIT_DEFAULT, type PagingCandidate, type PagingOptions } from './guess/paging-facts.ts'
import type { Known, KnownCredentials } from './known.ts'
import { curlRequest } from './request/curl.ts'
import { type GivenRequest, knownRequest } from './request/to-known.ts'
import { secretVariables, withVariables } from './request/variables.ts'

export type InitCommandOptions = InitFlags & {
  sources: string[]
  dir: string
  json?: boolean
  /** Writes an example from the options alone. */
  offline?: boolean
  fromCurl?: string
  /** A description of the API: a file or an address. */
  openapi?: string
  /** Which of its lists: a path or an operationId, with * for any characters. */
  only?: string
  header?: string[]
}

/** An endpoint to ask. `secrets`: values that were given with it, by environment variable. */
export type GivenEndpoint = {
  endpoint: Endpoint
  said: Said
  secrets: ReadonlyMap<string, string>
  notes: readonly string[]
}

/** Null without an address: then a person is asked, or the options alone make an example. Throws WrongUse. */
export function givenEndpoint(name: string, options: InitCommandOptions): GivenEndpoint | null {
  const { url, fromCurl, header = [] } = options
  if (url === undefined && fromCurl === undefined) return null
  if (url !== undefined && fromCurl !== undefined)
    throw refuse('--url and --from-curl name one request each', 'give one of them; the command line has the address')
  const curl = fromCurl === undefined ? null : curlRequest(fromCurl)
  const request: GivenRequest = curl?.request ?? { url: withVariables(url ?? ''), headers: [] }
  const secrets = secretVariables(name)
  const headers = [...request.headers, ...header.map(headerOf)]
  const known = knownRequest({ ...request, headers }, secrets)
  return {
    endpoint: endpointOf(name, known, options),
    said: saidBy(options),
    secrets: secrets.values,
    notes: curl?.notes ?? [],
  }
}

/** Throws WrongUse for an endpoint without an address or a path. */
export function endpointOf(name: string, known: Known, options: InitCommandOptions): Endpoint {
  const { baseUrl } = known
  if (baseUrl === undefined) throw refuse('--url is missing', 'give the address of the API: --url https://…')
  const below = known.path.replace(/\/$/, '')
  const path = options.path ?? below
  if (!path.startsWith('/'))
    throw refuse('--path is missing', 'give the address of the endpoint, or its path: --path /v1/orders')
  const { credentials, recordsAt } = flagsOf(name, options)
  return {
    name,
    stream: options.stream ?? known.stream ?? streamNameOf(path),
    known: {
      ...known,
      ...(credentials === undefined ? {} : { credentials }),
      ...(recordsAt === undefined ? {} : { recordsAt }),
      baseUrl: options.path === undefined ? baseUrl : `${baseUrl}${below}`,
      path,
    },
  }
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  if (at < 1) throw refuse('--header: expected a name and a value', "write --header 'X-Key: $SHOP_KEY'")
  return [text.slice(0, at).trim(), withVariables(text.slice(at + 1).trim())]
}

function flagsOf(name: string, { auth, records }: InitFlags): Pick<Known, 'credentials' | 'recordsAt'> {
  const credentials = auth === undefined || auth === 'none' ? undefined : namedCredentials(name, auth)
  return {
    ...(credentials === undefined ? {} : { credentials }),
    ...(records === undefined ? {} : { recordsAt: records === 'whole' ? '' : records }),
  }
}

/** The environment variables have the names that `--auth` gives them without asking, too. */
function namedCredentials(name: string, auth: string): KnownCredentials {
  const [first = '', second = ''] = authPart({ name, auth: auth as 'basic' })?.variables ?? []
  switch (auth) {
    case 'bearer':
      return { kind: 'bearer', secret: first }
    case 'api-key':
      return { kind: 'api-key', in: 'header', keys: { 'X-API-Key': { secret: first } } }
    case 'api-key-query':
      return { kind: 'api-key', in: 'query', keys: { api_key: { secret: first } } }
    case 'basic':
      return { kind: 'basic', username: { secret: first }, password: { secret: second } }
    case 'oauth2':
      return {
        kind: 'oauth2-client-credentials',
        tokenUrl: '/oauth/token',
        clientId: { secret: first },
        clientSecret: { secret: second },
      }
    default:
      throw refuse(`--auth: "${auth}" is not known`, 'none, bearer, api-key, api-key-query, basic or oauth2')
  }
}

export function saidBy({ paginate, next, param, limit, key, watermark }: InitFlags): Said {
  const [field = '', since = ''] = (watermark ?? '').split('=')
  if (watermark !== undefined && watermark !== 'none' && (field === '' || since === ''))
    throw refuse('--watermark: expected field=parameter, or none', "write --watermark 'updated_at=since'")
  return {
    paging: paginate === undefined ? null : saidPaging(paginate, { next, param, limit }),
    key: key === undefined ? null : key.split(',').map((each) => each.trim()),
    watermark: watermark === undefined ? null : watermark === 'none' ? 'none' : { field, param: since },
  }
}

function saidPaging(
  kind: string,
  { next, param, limit }: Pick<InitFlags, 'next' | 'param' | 'limit'>,
): PagingCandidate {
  const said = (named: PagingCandidate['kind'], options: PagingOptions): PagingCandidate => ({
    kind: named,
    options,
    why: '',
    sets: [param, named === 'offset' ? 'limit' : undefined].filter((name) => name !== undefined),
  })
  const place: PagingOptions = param === undefined ? {} : { param }
  switch (kind) {
    case 'cursor':
      return said('cursor', { next: next ?? '/next_cursor', param: param ?? 'cursor' })
    case 'link-header':
      return said('linkHeader', {})
    case 'next-url':
      return said('nextUrl', { next: next ?? '/next' })
    case 'page-number':
      return said('pageNumber', { ...place, stop: 'empty' })
    case 'offset':
      return said('offset', { ...place, limit: limit === undefined ? LIMIT_DEFAULT : Number(limit) })
    case 'none':
      return said('none', {})
    default:
      throw refuse(`--paginate: "${kind}" is not known`, 'cursor, link-header, next-url, page-number, offset or none')
  }
}

const refuse = (what: string, hint: string): WrongUse => new WrongUse('HR_OPTION', what, { hint })
