/** One stream of a declaration that `init` writes, as lines of its text. Each guess has a comment that says why. */
import type { PagingCandidate, PagingOptions } from '../guess/paging-facts.ts'
import { fieldsText, importsOf } from '../guess/type-text.ts'
import { comment, LINE_COLUMNS, lines, literal, property, quoted } from '../source-text.ts'
import { type Endpoint, requestPart } from './endpoint.ts'
import type { EndpointFindings } from './findings.ts'

/** What a description of the API adds to what asking it finds. */
export type StreamExtras = {
  /** Comments at the head of the stream. */
  notes: readonly string[]
  /** With {names}, where the endpoint was asked with values for them. */
  path: string
  /** Source text; null for none. */
  partitions: { code: string; imports: readonly string[] } | null
  envelope: Readonly<Record<string, string>>
  /** Parameters that the request needs and nobody has named a value for, with the question. */
  missing: Readonly<Record<string, string>>
}

/** `decided`: with the best guess in place of each open decision, so that the declaration can be loaded. */
export type StreamPart = { endpoint: Endpoint; findings: EndpointFindings; decided: boolean; extras?: StreamExtras }

const INDENT = '      '

export function streamLines({ endpoint, findings, decided, extras }: StreamPart): string[] {
  const { stream, known } = endpoint
  const { records, paging, key, fields, renaming, watermark } = findings
  const open = decided ? null : paging.open
  const request = Object.entries(requestPart(known, open === null ? paging.candidate.sets : []))
  const withPath = request.map(([field, value]) => [field, field === 'path' ? (extras?.path ?? value) : value] as const)
  const missing = Object.entries(extras?.missing ?? {})
  const said = (why: string): string | false => why !== '' && comment(`guessed: ${why}`, INDENT)
  return [
    `    ${property(stream)}: {`,
    ...(extras?.notes ?? []).map((note) => comment(note, INDENT)),
    ...withPath
      .filter(([field]) => field !== 'params' || missing.length === 0)
      .map(([field, value]) => memberText(field, value)),
    missing.length > 0 && paramsText(Object.fromEntries(withPath).params, missing, decided),
    extras?.partitions != null && `${INDENT}partitions: ${extras.partitions.code},`,
    open === null && said(paging.candidate.why),
    ...pagingText(paging.candidate, open),
    said(records.why),
    `      records: ${quoted(records.pointer)},`,
    Object.keys(extras?.envelope ?? {}).length > 0 && memberText('envelope', extras?.envelope),
    ...(renaming === null ? [] : renaming.code.map((line) => `${INDENT}${line}`)),
    '      // Validation, registered schema and ClickHouse table follow from it. Other fields are kept in _extra.',
    '      schema: z.object({',
    fieldsText(fields, `${INDENT}  `),
    '      }),',
    ...keyText(key),
    ...watermarkLines(findings),
    watermark !== null &&
      `      watermark: { field: ${quoted(watermark.field)}, param: ${quoted(watermark.param)}, lookback: '1m' },`,
    "      every: '5m',",
    '    },',
  ].filter((line) => line !== false)
}

/** What it needs from 'headrace'. */
export function streamImports({ findings: { paging, fields }, decided, extras }: StreamPart): string[] {
  const open = decided ? null : paging.open
  const hasTodo = open !== null || (!decided && Object.keys(extras?.missing ?? {}).length > 0)
  return [
    ...(hasTodo ? ['todo'] : []),
    ...(open !== null && open.option === null ? [] : [paging.candidate.kind]),
    ...(hasOptional(paging.candidate.options) ? ['optional'] : []),
    ...(extras?.partitions?.imports ?? []),
    ...importsOf(fields),
  ]
}

function memberText(field: string, value: unknown): string {
  const head = `${INDENT}${field}: `
  return `${head}${literal(value, INDENT, head.length)},`
}

function paramsText(params: unknown, missing: readonly (readonly [string, string])[], decided: boolean): string {
  const inner = `${INDENT}  `
  return lines([
    `${INDENT}params: {`,
    ...Object.entries((params ?? {}) as object).map(
      ([name, value]) => `${inner}${property(name)}: ${literal(value, inner)},`,
    ),
    ...missing.map(
      ([name, question]) =>
        `${inner}${property(name)}: ${decided ? "'x'" : todoText(question, inner, property(name))},`,
    ),
    `${INDENT}},`,
  ])
}

const hasOptional = (options: PagingOptions): boolean =>
  Object.values(options).some((value) => typeof value === 'object' && 'optional' in value)

/** `open`: what of it is to decide. */
function pagingText({ kind, options }: PagingCandidate, open: EndpointFindings['paging']['open']): string[] {
  if (open !== null && open.option === null)
    return [`${INDENT}paginate: ${todoText(open.question, INDENT, 'paginate')},`]
  const members = Object.entries(options).map(([name, value]): [string, string] => [
    name,
    name === open?.option ? todoText(open.question, `${INDENT}  `, name) : optionText(value),
  ])
  if (members.length === 0) return [`${INDENT}paginate: ${kind}(),`]
  const short = `${INDENT}paginate: ${kind}({ ${members.map(([name, text]) => `${name}: ${text}`).join(', ')} }),`
  if (short.length <= LINE_COLUMNS && !short.includes('\n')) return [short]
  return [
    `${INDENT}paginate: ${kind}({`,
    ...members.map(([name, text]) => `${INDENT}  ${name}: ${text},`),
    `${INDENT}}),`,
  ]
}

const optionText = (value: PagingOptions[string]): string =>
  typeof value === 'object' && typeof value.optional === 'string'
    ? `optional(${quoted(value.optional)})`
    : literal(value, INDENT)

/** `name`: of the member that it is the value of. */
export function todoText(question: string, indent: string, name: string): string {
  const text = quoted(question)
  const line = `${indent}${name}: todo(${text}),`
  return line.length <= LINE_COLUMNS ? `todo(${text})` : `todo(\n${indent}  ${text},\n${indent})`
}

function keyText({ fields, why, doubt }: EndpointFindings['key']): string[] {
  const notes = [
    ...(why === '' ? [] : [comment(`guessed: ${why}`, INDENT)]),
    ...(doubt === null ? [] : [comment(`In doubt: ${doubt}.`, INDENT)]),
  ]
  return [...notes, `${INDENT}primaryKey: ${fields === null ? "'record'" : `[${fields.map(quoted).join(', ')}]`},`]
}

function watermarkLines({ watermark, watermarks }: EndpointFindings): string[] {
  if (watermark !== null) {
    return [
      ...(watermark.why === '' ? [] : [comment(`guessed: ${watermark.why}`, INDENT)]),
      comment('Each run requests changes since the last value, and a little earlier for late records.', INDENT),
    ]
  }
  const [candidate] = watermarks
  const field = candidate?.field ?? 'updated_at'
  const why =
    candidate === undefined ? [] : [comment(`Guessed for a watermark: ${field}, by ${candidate.why}.`, INDENT)]
  return [
    ...why,
    comment('Without a watermark every run reads everything. With one it requests changes only:', INDENT),
    `${INDENT}// watermark: { field: ${quoted(field)}, param: 'since', lookback: '1m' },`,
  ]
}
