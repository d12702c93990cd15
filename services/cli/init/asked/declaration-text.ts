/**
 * The text of a declaration that was made by asking the API. Each guess has a comment that says what it was guessed
 * from, each open decision a `todo(…)`.
 */
import { credentialsPart } from '../credentials.ts'
import type { PagingCandidate, PagingOptions } from '../guess/paging-facts.ts'
import { fieldsText, importsOf } from '../guess/type-text.ts'
import { comment, LINE_COLUMNS, lines, literal, property, quoted } from '../source-text.ts'
import { type Endpoint, requestPart } from './endpoint.ts'
import type { EndpointFindings } from './findings.ts'

const INDENT = '      '

/** `decided`: with the best guess in place of each open decision, so that it can be loaded. */
export function askedDeclaration(endpoint: Endpoint, findings: EndpointFindings, decided = false): string {
  const { name, stream, known } = endpoint
  const { records, paging, key, fields, renaming, watermark, quota, counts } = findings
  const credentials = credentialsPart(known)
  const isOpen = paging.open !== null && !decided
  const needs = [
    ...credentials.imports,
    ...(isOpen && paging.open?.option === null ? ['todo'] : [paging.candidate.kind, ...(isOpen ? ['todo'] : [])]),
    ...(hasOptional(paging.candidate.options) ? ['optional'] : []),
    ...importsOf(fields),
    ...['defineSource', 'z'],
  ]
  const request = Object.entries(requestPart(known, isOpen ? [] : paging.candidate.sets))
  const said = (why: string) => why !== '' && comment(`guessed: ${why}`, INDENT)
  return `${lines([
    `/** ${headOf(name, known.description)} */`,
    `import { ${[...new Set(needs)].sort(byName).join(', ')} } from 'headrace'`,
    '',
    `// Written by headrace init from ${counts.records} records of ${pagesText(counts.pages)}.`,
    '// A comment says what each guess was made from.',
    'export default defineSource({',
    `  name: ${quoted(name)},`,
    `  baseUrl: ${quoted(known.baseUrl)},`,
    credentials.variables.length > 0 &&
      '  // Names of environment variables, never their values. NAME_FILE may point to a file with the value.',
    credentials.authCode !== '' && `  auth: ${credentials.authCode},`,
    credentials.headersCode !== '' && `  headers: ${credentials.headersCode},`,
    quota.why === null
      ? '  // At most this, over all workers. The API names no quota; its documentation says what it allows.'
      : `  // guessed: ${quota.why}. At most this, over all workers.`,
    `  quota: { requests: ${quota.requests}, per: ${quoted(quota.per)} },`,
    '  streams: {',
    `    ${property(stream)}: {`,
    ...request.map(([field, value]) => memberText(field, value)),
    said(isOpen ? '' : paging.candidate.why),
    ...pagingText(paging.candidate, isOpen ? paging.open : null),
    said(records.why),
    `      records: ${quoted(records.pointer)},`,
    ...(renaming === null ? [] : renaming.code.map((line) => `${INDENT}${line}`)),
    '      // Validation, registered schema and ClickHouse table follow from it. Other fields are kept in _extra.',
    '      schema: z.object({',
    fieldsText(fields, `${INDENT}  `),
    '      }),',
    ...keyText(key),
    ...watermarkLines(findings),
    ...(watermark === null
      ? []
      : [`      watermark: { field: ${quoted(watermark.field)}, param: ${quoted(watermark.param)}, lookback: '1m' },`]),
    "      every: '5m',",
    '    },',
    '  },',
    '})',
  ])}\n`
}

const pagesText = (pages: number): string => (pages === 1 ? '1 page' : `${pages} pages`)

/** On one line, and without what would end the comment. */
function headOf(name: string, description: string | undefined): string {
  const text = (description ?? 'describe it here, and where its API is documented.')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('*/', '* /')
  const head = `${name}: ${text}`
  const room = LINE_COLUMNS - '/**  */'.length
  return head.length <= room ? head : `${head.slice(0, room - 1)}…`
}

/** As the formatter sorts the names of an import: without case, upper case first. */
const byName = (a: string, b: string): number => {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x < y ? -1 : x > y ? 1 : 0
}

function memberText(field: string, value: unknown): string {
  const head = `${INDENT}${field}: `
  return `${head}${literal(value, INDENT, head.length)},`
}

const hasOptional = (options: PagingOptions): boolean =>
  Object.values(options).some((value) => typeof value === 'object' && 'optional' in value)

/** `open`: what of it is to decide. */
function pagingText({ kind, options }: PagingCandidate, open: EndpointFindings['paging']['open']): string[] {
  if (open !== null && open.option === null) return [`${INDENT}paginate: ${todoText(open.question, INDENT)},`]
  const members = Object.entries(options).map(([name, value]): [string, string] => [
    name,
    name === open?.option ? todoText(open.question, `${INDENT}  `) : optionText(value),
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

const TODO_ROOM = 20

function todoText(question: string, indent: string): string {
  const text = quoted(question)
  return indent.length + text.length + TODO_ROOM <= LINE_COLUMNS
    ? `todo(${text})`
    : `todo(\n${indent}  ${text},\n${indent})`
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
