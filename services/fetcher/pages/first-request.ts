/**
 * The request that opens a run: the stream's path, parameters, headers and body, the partition's values, and the
 * watermark where the API takes it. Functions of the request are called here. Pure: the same arguments give the same
 * request, since pages after a restart are built from it again. Holds no credential.
 */
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { plainHeaders } from '#shared/declaration/headers.ts'
import { streamMistake } from '#shared/declaration/mistakes/mistakes.ts'
import { valuesFor } from '#shared/declaration/slice-values.ts'
import type { ComputedPairs } from '#shared/declaration/source-spec.ts'
import type { PageRequest } from '../http/messages.ts'
import { withParam } from '../http/query.ts'
import { type AskedPage, computedRequest } from './computed-request.ts'
import { paginatorFor } from './paginators/paginator-for.ts'
import { withPosition } from './request-place.ts'

/**
 * `since` and `until`: the start and the end of the range, as the request writes them (`requestText`); null for
 * everything. `asked`: what functions of the request see of a later page. Throws DeclarationError.
 */
export function firstRequest(
  stream: Stream,
  baseUrl: string,
  partition: number,
  since: string | null,
  until: string | null = null,
  asked: Partial<AskedPage> = {},
): PageRequest {
  const values = stream.partitions[partition] ?? {}
  const page = { from: since, to: until, page: 0, cursor: null, ...asked }
  const all = valuesFor(stream, partition)
  const { path, params, headers: own, body, form } = computedRequest(stream, partition, all, page)
  const placed = placeholders(stream, path, all)
  let url = urlOf(baseUrl, placed.path)
  for (const [name, value] of Object.entries(values))
    if (!placed.used.has(name)) url = withParam(url, name, String(value))
  for (const [name, value] of Object.entries(params)) url = withParam(url, name, textsOf(value))
  const { method } = stream
  const headers = { ...lowerCase(plainHeaders(stream.source.headers)), ...lowerCase(own) }
  const request: PageRequest =
    form === undefined
      ? { method, url, headers, body }
      : { method, url, headers, body: withoutNull(form), encoding: 'form' }
  return paginatorFor(stream).first(withRange(stream, request, since, until))
}

/** Null omits the name. */
const textsOf = (value: ComputedPairs[string]): string[] =>
  value === null || value === undefined ? [] : [value].flat().map(String)

const withoutNull = (form: ComputedPairs): ComputedPairs =>
  Object.fromEntries(Object.entries(form).filter(([, value]) => value !== null && value !== undefined))

function withRange(stream: Stream, request: PageRequest, since: string | null, until: string | null): PageRequest {
  const { watermark } = stream
  if (watermark === null) return request
  const { place, endPlace } = watermark
  const begun = since === null ? request : withPosition(stream, request, place, since)
  return until === null || endPlace === null ? begun : withPosition(stream, begun, endPlace, until)
}

/** Joins the parts of a URL, never texts: no path or value can lead to another host. */
function urlOf(baseUrl: string, path: string): URL {
  const url = new URL(baseUrl)
  const mark = path.indexOf('?')
  const pathname = mark === -1 ? path : path.slice(0, mark)
  url.pathname = `${url.pathname.replace(/\/$/, '')}${pathname}`
  url.search = mark === -1 ? '' : path.slice(mark)
  return url
}

function placeholders(
  stream: Stream,
  given: string,
  values: PartitionValues,
): { path: string; used: ReadonlySet<string> } {
  const used = new Set<string>()
  const path = given.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? String(values[name]) : undefined
    if (value === undefined) {
      throw streamMistake(
        stream,
        'path',
        `{${name}} is in the path, but the partition has no "${name}"`,
        `add it to partitions: [{ ${name}: … }]`,
      )
    }
    // As a whole segment these three would be normalized away, and the request would go to another path.
    if (['', '.', '..'].includes(value)) {
      throw streamMistake(
        stream,
        'partitions',
        `"${value}" cannot stand for {${name}} in the path`,
        'give it another value',
      )
    }
    used.add(name)
    return encodeURIComponent(value)
  })
  return { path, used }
}

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
