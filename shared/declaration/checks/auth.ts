/**
 * Checks of credentials beyond the shape of one field: a place that is set twice, or a body that no request has. Each
 * check throws what `refuse` makes.
 */

import { FIELD_NAMES, type FieldName, type TokenRequestSpec } from '../auth/token-request.ts'
import { isReference } from '../auth/value.ts'
import type { AuthSpec } from '../auth.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import { pagesOf } from '../paginate/paginate.ts'
import type { SourceSpec, StreamSpec } from '../source-spec.ts'

type Place = { kind: 'param' | 'header' | 'body' | 'form' | 'cookie'; name: string; field: string }

export function checkAuth({ auth, headers, streams }: Omit<SourceSpec, 'name'>, refuse: Refuse): void {
  if (auth === undefined) return
  if ('as' in auth && 'scheme' in auth && auth.as !== undefined && auth.scheme !== undefined)
    throw refuse('auth.scheme', 'declares the scheme beside as', "write it there: as: { header: '…', scheme: '…' }")
  if ('method' in auth) checkTokenRequest(auth, refuse)
  const place = placeOf(auth)
  if (place === null) return
  if (place.kind === 'header' && hasName(headers, place.name))
    throw refuse(place.field, `the header "${place.name}" is also set by headers`, 'remove one of them')
  for (const [name, stream] of Object.entries(streams)) checkStream(place, stream, `stream ${name}`, refuse)
}

/** Where the requests of the API hold the credentials; null where a function decides. */
function placeOf(auth: AuthSpec): Place | null {
  if (auth.kind === 'custom') return null
  if (auth.kind === 'api-key') {
    const kind = auth.in === 'query' ? 'param' : auth.in
    return { kind, name: auth.name, field: 'auth.name' }
  }
  const given = 'as' in auth ? auth.as : undefined
  for (const kind of ['param', 'header', 'body', 'form', 'cookie'] as const) {
    const name = given?.[kind]
    if (name !== undefined) return { kind, name, field: `auth.as.${kind}` }
  }
  return { kind: 'header', name: 'Authorization', field: 'auth' }
}

function checkStream(place: Place, spec: StreamSpec, where: string, refuse: Refuse): void {
  const { kind, name, field } = place
  const own = { header: spec.headers, param: spec.params, form: spec.form, cookie: undefined, body: undefined }[kind]
  if (hasName(own, name, kind !== 'header'))
    throw refuse(field, `"${name}" is also set by ${FIELDS[kind]} of the ${where}`, 'remove one of them')
  if (spec.paginate.kind === 'generator') return
  const { method, body, form } = spec
  if (kind === 'form' && form === undefined && (method !== 'POST' || body !== undefined))
    throw refuse(field, `the requests of the ${where} have no form`, "add method: 'POST' and form: { … } to it")
  const hasBody = body !== undefined || pagesOf(spec.paginate).kind === 'graphql'
  if (kind === 'body' && (form !== undefined || (method !== 'POST' && !hasBody)))
    throw refuse(field, `the requests of the ${where} have no JSON body`, "add method: 'POST' and body: { … } to it")
}

const FIELDS = { header: 'headers', param: 'params', form: 'form', cookie: 'cookie', body: 'body' } as const

function hasName(given: unknown, name: string, isExact = false): boolean {
  if (typeof given !== 'object' || given === null) return false
  return Object.keys(given).some((each) => each === name || (!isExact && each.toLowerCase() === name.toLowerCase()))
}

function checkTokenRequest(auth: TokenRequestSpec, refuse: Refuse): void {
  const sends = auth.sends ?? (auth.method === 'GET' ? 'query' : 'form')
  if (auth.method === 'GET' && sends !== 'query')
    throw refuse('auth.sends', 'a GET has no body', "write sends: 'query', or method: 'POST'")
  const nested = Object.keys(auth.extra).find((name) => !isScalar(auth.extra[name]))
  if (sends !== 'json' && nested !== undefined)
    throw refuse(`auth.extra.${nested}`, 'only JSON can hold it', "add sends: 'json', or write a text")
  const withHeader = 'credentialsIn' in auth && auth.credentialsIn === 'header' && 'clientSecret' in auth
  if (withHeader && auth.clientSecret !== undefined && hasName(auth.headers, 'authorization'))
    throw refuse(
      'auth.headers',
      'Authorization is also set by clientId and clientSecret',
      "add credentialsIn: 'body', or remove the header",
    )
  checkNames(auth, refuse)
}

/** `clientId: 'id', clientSecret: 'id'` would lose one of them. */
function checkNames({ names }: TokenRequestSpec, refuse: Refuse): void {
  const taken = new Map<string, string>()
  for (const field of Object.keys(FIELD_NAMES) as FieldName[]) {
    const name = names[field] === undefined ? FIELD_NAMES[field] : names[field]
    const other = name === null ? undefined : taken.get(name)
    if (other !== undefined)
      throw refuse(
        `auth.names.${names[field] === undefined ? other : field}`,
        `"${name}" is the name of two fields`,
        'rename one of them',
      )
    if (name !== null) taken.set(name, field)
  }
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || isReference(value)
