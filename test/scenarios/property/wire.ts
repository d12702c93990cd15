/**
 * What the API of a case with capabilities reads from a request and writes into an answer. Values count only where the
 * declaration has to put them; a good answer is in the form that the declaration decodes.
 */
import { createHash } from 'node:crypto'
import type { Case } from './case.ts'

/** What a request asks for, wherever it says so. */
export type CaseRequest = {
  region: string
  query: URLSearchParams
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: unknown
  url: URL
}
type Sent = Pick<CaseRequest, 'headers'> & { query: URLSearchParams; text: string }

const NAMES = ['since', 'until', 'page', 'offset', 'limit', 'size', 'cursor', 'after', 'after_id', 'after_seq']
const MODIFIED_SINCE = 'if-modified-since'

/** The parameters of paging and watermark, wherever they are, and the JSON body. */
export function readRequest(
  { capabilities }: Case,
  { query, headers, text }: Sent,
): Pick<CaseRequest, 'query' | 'body'> {
  const isForm = String(headers['content-type'] ?? '').includes('form')
  const body: unknown = text === '' || isForm ? null : JSON.parse(text)
  if (capabilities === null) return { query, body }
  const found = new URLSearchParams()
  const take = (name: string, value: unknown) => {
    if (value !== undefined && value !== null) found.set(name, String(value))
  }
  const form = new URLSearchParams(isForm ? text : '')
  const inside = (body as { q?: Record<string, unknown> } | null)?.q ?? {}
  for (const name of NAMES) {
    if (capabilities.places === 'param') take(name, query.get(name))
    else if (capabilities.places === 'header') take(name, headers[`x-${name}`])
    else if (capabilities.places === 'form') take(name, form.get(name))
    else take(name, inside[name])
  }
  if (capabilities.modifiedSince) {
    found.delete('since')
    take('since', headers[MODIFIED_SINCE])
  }
  return { query: found, body }
}

/** A watermark as the declared function writes it: epoch milliseconds or a step; null for any other text. */
export function writtenPosition({ capabilities }: Case, text: string): number | null {
  switch (capabilities?.as) {
    case 'minute':
      return Date.parse(`${text}:00Z`)
    case 'day':
      return Date.parse(`${text}T00:00:00Z`)
    case 'micros':
      return Number(text) / 1000
    case 'prefixed':
      return Number(text.slice(1))
    default:
      return null
  }
}

type Body = {
  data: Record<string, unknown>[]
  total: number
  has_more: boolean
  meta: { next: string | null }
  links: { next: string | null }
}

const COLUMNS = ['id', 'n', 'seq', 'updated_at', 'value', 'surprise', 'gone']
export const PREFIX = ")]}',\n"
const TYPES = {
  json: 'application/json',
  'lenient-json': 'application/json',
  function: 'application/octet-stream',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  xml: 'application/xml',
}

/** A good answer in the form of the case. */
export function written(
  { capabilities }: Case,
  body: Body,
  headers: Record<string, string>,
): { text: string; headers: Record<string, string> } {
  const decode = capabilities?.decode ?? 'json'
  const text = textOf(decode, body)
  if (capabilities === null) return { text, headers }
  const own: Record<string, string> = { 'content-type': TYPES[decode], 'x-total': String(body.total) }
  if (body.meta.next !== null) own['x-next'] = body.meta.next
  if (capabilities.etag) own.etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`
  return { text, headers: { ...own, ...headers } }
}

function textOf(decode: keyof typeof TYPES, body: Body): string {
  const json = JSON.stringify(body)
  switch (decode) {
    case 'json':
      return json
    case 'function':
      return PREFIX + json
    case 'lenient-json':
      return `// a page\n${json.slice(0, -1).replaceAll('"value":"many"', "value:'many'")},}`
    case 'jsonl':
      return body.data.map((record) => `${JSON.stringify(record)}\n`).join('')
    case 'csv':
      return [COLUMNS, ...body.data.map((record) => COLUMNS.map((name) => cellOf(record[name])))]
        .map((cells) => `${cells.join(';')}\r\n`)
        .join('')
    case 'xml': {
      const { data, ...rest } = body
      const rows = data.map((record) => elementOf('row', record)).join('')
      return `<?xml version="1.0"?>\n<answer><data>${rows}</data>${elementOf('about', rest)}</answer>`
    }
  }
}

function cellOf(value: unknown): string {
  const text = plainText(value)
  return /[";\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function plainText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function elementOf(name: string, value: unknown): string {
  const inner =
    typeof value === 'object' && value !== null
      ? Object.entries(value)
          .map(([field, each]) => elementOf(field, each))
          .join('')
      : plainText(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<${name}>${inner}</${name}>`
}
