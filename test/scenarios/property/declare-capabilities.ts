/**
 * The part of a declaration that the capabilities of a case change, as an author would write it. That is key, decoder,
 * places and functions of the request, and the watermark's own form.
 */
import {
  csv,
  generator,
  gunzip,
  instant,
  jsonl,
  lenientJson,
  type RequestContext,
  type WalkTools,
  xml,
  z,
} from '#shared/index.ts'
import type { Capabilities } from './capabilities.ts'
import type { Case } from './case.ts'
import { PREFIX } from './wire.ts'

type Fields = Record<string, unknown>

/** The stream as it is without them, with its watermark and its paging. */
export function streamWith(each: Case, { watermark, paginate, ...stream }: Fields): Fields {
  const { capabilities, paging } = each
  if (capabilities === null) return { ...stream, ...(watermark === undefined ? {} : { watermark }), paginate }
  const { decode, keyless } = capabilities
  const isText = decode === 'csv' || decode === 'xml'
  return {
    ...stream,
    ...requestOf(capabilities, paging.kind === 'windows'),
    ...(decode === 'json' ? {} : { decode: decoderOf(capabilities) }),
    ...recordsOf(capabilities, stream),
    ...(watermark === undefined ? {} : { watermark: watermarkOf(each, watermark as Fields) }),
    schema: isText ? textSchema(each) : stream.schema,
    ...(keyless === null ? {} : { primaryKey: 'record', ...(keyless === 'id' ? { recordKey: ['id'] } : {}) }),
    paginate: paging.kind === 'generator' ? generator(walkOf(capabilities)) : paginateOf(each, paginate as Fields),
  }
}

function recordsOf({ decode }: Capabilities, { records }: Fields): Fields {
  if (decode === 'xml') return { records: '/answer/data/row' }
  return decode === 'csv' || decode === 'jsonl' ? { records: undefined } : { records }
}

function decoderOf({ decode, gzip, chunk }: Capabilities): unknown {
  const chunks = chunk === null ? {} : { chunks: { recordsMax: chunk } }
  const body = {
    json: () => undefined,
    'lenient-json': lenientJson,
    jsonl: () => jsonl(chunks),
    csv: () => csv({ delimiter: ';', ...chunks }),
    xml: () => xml(),
    function: () => withoutPrefix,
  }[decode]()
  return gzip ? [gunzip(), body] : body
}

function withoutPrefix(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString()
  if (!text.startsWith(PREFIX)) throw new RangeError('the prefix is missing')
  return JSON.parse(text.slice(PREFIX.length))
}

/** CSV and XML have only texts. */
function textSchema({ marking }: Case): z.ZodObject {
  const whole = () => z.coerce.number().int()
  const updated =
    marking?.type === 'epochMs'
      ? instant({ formats: ['%ms'] })
      : marking?.type === 'epochSeconds'
        ? instant({ formats: ['%s'] })
        : marking?.type === 'integer'
          ? whole()
          : marking?.type === 'text'
            ? z.string()
            : z.iso.datetime({ offset: true })
  return z.object({ id: z.string(), n: whole(), seq: whole(), updated_at: updated, value: whole() })
}

/** Where JSON writes numbers, the types of the case itself fit. */
export const isTimeText = ({ marking, capabilities }: Case): boolean =>
  (capabilities?.decode === 'csv' || capabilities?.decode === 'xml') &&
  (marking?.type === 'epochMs' || marking?.type === 'epochSeconds')

function watermarkOf(each: Case, { param: _, exclusive, as, ...rest }: Fields): Fields {
  const { capabilities, marking } = each
  const { walk, modifiedSince, computed } = capabilities ?? {}
  if (walk) return { ...rest, walk }
  const form = capabilities?.as ? { as: FORMS[capabilities.as] } : as === undefined ? {} : { as }
  const place = modifiedSince ? { header: 'If-Modified-Since' } : computed ? {} : placeOf(each, 'since')
  // A start is written as the field is, or as a time.
  const start = isTimeText(each) && typeof rest.start === 'number' ? { start: new Date(rest.start).toISOString() } : {}
  return { ...rest, ...start, ...form, ...place, exclusive, sorted: marking?.sorted }
}

const FORMS = {
  minute: (at: Date) => at.toISOString().slice(0, 16),
  day: (at: Date) => at.toISOString().slice(0, 10),
  micros: (at: Date) => `${at.getTime()}000`,
  prefixed: (at: bigint | string) => `n${at}`,
}

function placeOf({ capabilities }: Case, name: string): Fields {
  switch (capabilities?.places) {
    case 'header':
      return { header: `X-${name}` }
    case 'body':
      return { body: `/q/${name}` }
    case 'form':
      return { form: name }
    default:
      return { param: name }
  }
}

/** What is fixed, and what functions write into the same places. */
function requestOf({ places, method, computed, modifiedSince, walk }: Capabilities, hasEnd: boolean): Fields {
  const values = ({ from, to, cursor }: RequestContext) => ({
    ...(walk === null && !modifiedSince ? { since: from } : {}),
    // Up to what has settled, whole days would be asked for tomorrow only.
    ...(hasEnd ? { until: to } : {}),
    cursor: Array.isArray(cursor) ? null : cursor,
  })
  const path = computed ? { path: () => '/records' } : {}
  switch (places) {
    case 'param':
      return { ...path, ...(computed ? { params: values } : {}) }
    case 'header':
      return { ...path, ...(computed ? { headers: (context: RequestContext) => named(values(context)) } : {}) }
    case 'form':
      return {
        method,
        ...path,
        form: computed ? (context: RequestContext) => ({ all: 1, ...values(context) }) : { all: 1 },
      }
    case 'body':
      return {
        method,
        ...path,
        body: computed
          ? (context: RequestContext) => ({ search: { all: true }, q: values(context) })
          : { search: { all: true } },
      }
  }
}

const named = (values: Fields): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `X-${name}`,
      value === null || value === undefined ? null : `${value}`,
    ]),
  )

/** Rewrites places of the request and of the answer. */
function paginateOf(each: Case, { kind, ...paginate }: Fields): Fields {
  const { capabilities, paging } = each
  const { computed, sized } = capabilities ?? {}
  const size = { ...placeOf(each, 'size'), value: paging.size }
  switch (kind) {
    case 'offset': {
      const { limit, ...rest } = paginate
      return {
        kind,
        ...answered(each, rest),
        ...placeOf(each, 'offset'),
        limit: { ...placeOf(each, 'limit'), value: limit },
      }
    }
    case 'page-number':
      return { kind, ...answered(each, paginate), ...placeOf(each, 'page'), size }
    case 'keyset': {
      const { keys, size: _, ...rest } = paginate as { keys: Fields[]; size: unknown }
      const placed = keys.map(({ param, ...key }) => ({ ...key, ...placeOf(each, String(param)) }))
      return { kind, ...answered(each, rest), keys: placed, size }
    }
    case 'cursor': {
      const { param: _, header: __, body: ___, ...rest } = paginate
      const isComputed = computed && paging.kind === 'cursor'
      return {
        kind,
        ...answered(each, rest),
        ...(isComputed ? {} : placeOf(each, 'cursor')),
        ...(sized ? { size } : {}),
      }
    }
    case 'windows': {
      const { to: _, pages, ...rest } = paginate as Fields & { pages: Fields }
      return { kind, ...rest, ...(computed ? {} : { to: placeOf(each, 'until') }), pages: paginateOf(each, pages) }
    }
    default:
      return { kind, ...answered(each, paginate) }
  }
}

/** Where the decoded answer has what paging reads. */
function answered({ capabilities }: Case, given: Fields): Fields {
  const decode = capabilities?.decode
  if (decode === 'xml')
    return Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        if (!['next', 'hasMore', 'total', 'totalRecords'].includes(name)) return [name, value]
        const at = `/answer/about${value}`
        return [name, name === 'next' ? { optional: at } : at]
      }),
    )
  if (decode !== 'csv' && decode !== 'jsonl') return given
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (name === 'next') return ['nextHeader', 'x-next']
      return [name, name === 'total' || name === 'totalRecords' ? { header: 'x-total' } : value]
    }),
  )
}

const WALK_PAGES_MAX = 10_000

type WalkBody = { data: unknown[]; meta: { next: string | null } }
type WalkXml = { answer: { data?: { row?: unknown[] }; about: { meta?: { next?: string } } } }

function walkOf({ decode }: Capabilities) {
  const pageOf = (
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): { records: unknown[]; next: string | null } => {
    if (decode === 'csv' || decode === 'jsonl') return { records: body as unknown[], next: headers['x-next'] ?? null }
    if (decode === 'xml') {
      const { data, about } = (body as WalkXml).answer
      return { records: data?.row ?? [], next: about.meta?.next ?? null }
    }
    const { data, meta } = body as WalkBody
    return { records: data, next: meta.next }
  }
  return async function* ({ request, cursor: from }: WalkTools) {
    let next = (from as string | null) ?? null
    for (let page = 1; page <= WALK_PAGES_MAX; page++) {
      const { body, headers } = await request(next === null ? {} : { params: { cursor: next } })
      // A status without a body: nothing has changed.
      if (body === null) return
      const { records, next: following } = pageOf(body, headers)
      yield { records, cursor: following }
      if (following === null) return
      next = following
    }
  }
}
