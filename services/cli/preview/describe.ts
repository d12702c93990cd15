/** Formats a preview for a terminal of a given width. */
import type { Stream } from '#shared/declaration/compile.ts'
import { shownName, shownText } from '#shared/shown.ts'
import type { FailureExplanation } from '../../fetcher/authoring/explain-failure.ts'
import type { Preview } from '../../fetcher/authoring/preview.ts'
import { recordKeyText } from '../../fetcher/authoring/record-key-parts.ts'
import { rawText } from '../../fetcher/validate/deep-json.ts'
import { columnsOf, counted, table } from '../table-output.ts'

/** Of one column; longer values are cut. */
const CELL_CHARS_MAX = 28
/** What a table draws around a cell, and at its end. */
const CELL_FRAME_CHARS = 3
const TABLE_FRAME_CHARS = 1
/** Of a value that is cut, at least this much is shown. */
const TEXT_CHARS_MIN = 20

export function describePreview(stream: Stream, preview: Preview, width: number): string {
  return [
    headline(preview),
    ...(preview.records.length === 0 ? [] : recordLines(stream, preview, width)),
    ...(preview.recordKey === undefined ? [] : [recordKeyText(preview.recordKey)]),
    ...section('Dead letters', letterLines(preview, width)),
    ...section('Fields that are not in the schema', driftLines(stream, preview)),
    ...section(
      'Warnings',
      preview.warnings.map((warning) => `  ${textOf(warning)}`),
    ),
    ...section('Slices', sliceLines(preview, width)),
    ...section('Requests', requestLines(preview)),
    ...(preview.wouldStop === null ? [] : ['', 'A run would stop here:', ...failureLines(preview.wouldStop)]),
  ].join('\n')
}

function headline({ stream, partition, share, pages, more, counts, watermark }: Preview): string {
  const parts = [
    counted(counts.records, 'record'),
    counted(counts.deadLetters, 'dead letter'),
    ...(counts.leftOut > 0 ? [`${counts.leftOut} skipped by filter or map`] : []),
    ...(counts.unchanged > 0 ? [`${counts.unchanged} repeated unchanged`] : []),
  ]
  const reach = watermark === null ? '' : `, up to ${watermark}`
  const of = share === null ? '' : `, slice ${share} only`
  const rest = more ? '; there are more pages' : ''
  return `${stream}/${partition}${of}: ${parts.join(', ')} on ${counted(pages, 'page')}${reach}${rest}`
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines]

/** The key and the watermark come first, then the schema's order, as many columns as fit. */
function recordLines(
  { schema, primaryKey, watermark }: Stream,
  { records, counts, drift }: Preview,
  width: number,
): string[] {
  const extra =
    Object.keys(drift).length > 0 && records.some((record) => Object.hasOwn(record, '_extra')) ? ['_extra'] : []
  const first = [...primaryKey, ...(watermark === null ? [] : [watermark.field])]
  const fields = [...new Set([...first, ...Object.keys(schema.shape), ...extra])]
  const columns = fields.map((field) => [
    field,
    ...records.map((record) => cut(textOf(Object.hasOwn(record, field) ? record[field] : undefined), CELL_CHARS_MAX)),
  ])
  const fitting = columns.slice(0, howManyFit(columns, width))
  const rows = records.map((_, index) => fitting.map((column) => column[index + 1] ?? ''))
  const hidden = fields.slice(fitting.length)
  return [
    table([fitting.map(([field]) => shownName(field ?? '')), ...rows], [], width),
    ...(records.length < counts.records
      ? [`and ${counted(counts.records - records.length, 'more record')} (--records N)`]
      : []),
    ...(hidden.length > 0 ? [`columns that do not fit: ${hidden.join(', ')} (--json shows all)`] : []),
  ]
}

function howManyFit(columns: readonly (readonly string[])[], width: number): number {
  let left = width - TABLE_FRAME_CHARS
  let count = 0
  for (const column of columns) {
    left -= Math.max(...column.map(columnsOf)) + CELL_FRAME_CHARS
    if (left < 0) break
    count += 1
  }
  return Math.max(1, count)
}

function letterLines({ deadLetters, counts }: Preview, width: number): string[] {
  const lines = deadLetters.flatMap(({ page, reason, issues, raw }) => {
    const room = Math.max(TEXT_CHARS_MIN, width - 4)
    return [`  page ${page}, ${reason}: ${cut(textOf(issues), room)}`, `    ${cut(textOf(raw), room)}`]
  })
  const more = counts.deadLetters - deadLetters.length
  return more > 0 ? [...lines, `  and ${more} more (--records N)`] : lines
}

const DRIFT_WORDS = {
  keep: 'kept in _extra',
  drop: 'dropped',
  reject: 'rejected',
  columns: 'kept in _extra until it is a column',
}

function driftLines({ unknownFields }: Stream, { drift }: Preview): string[] {
  return Object.entries(drift).map(([path, type]) => `  ${shownName(path)}: ${type}, ${DRIFT_WORDS[unknownFields]}`)
}

/** Enough to see what the values are; --json has more. */
const SLICE_LINES_MAX = 10

function sliceLines({ slices }: Preview, width: number): string[] {
  if (slices === null) return []
  const room = Math.max(TEXT_CHARS_MIN, width - 4)
  const shown = slices.first.slice(0, SLICE_LINES_MAX)
  const more = slices.slices - shown.length
  return [
    `  ${counted(slices.slices, 'slice')} in ${counted(slices.partitions, 'partition')}`,
    ...shown.map(({ partition, values }) => `  ${cut(`${partition}: ${textOf(values)}`, room)}`),
    ...(more > 0 ? [`  and ${more} more (--json)`] : []),
  ]
}

function requestLines({ requests }: Preview): string[] {
  return requests.map(({ method, url, status, attempts, bytes, ms, error }) => {
    const facts = [counted(attempts, 'attempt'), `${bytes} bytes`, `${ms} ms`]
    return `  ${status ?? error ?? 'failed'}  ${method} ${textOf(url)}  ${facts.join(', ')}`
  })
}

export function failureLines({ message, hint, field, request, answer }: FailureExplanation): string[] {
  return [
    `headrace: ${textOf(message)}`,
    ...(field === undefined ? [] : [`  field: ${shownName(field)}`]),
    ...(request === undefined ? [] : [`  request: ${textOf(request)}`]),
    ...(answer === undefined ? [] : [`  answer: ${textOf(answer)}`]),
    ...(hint === undefined ? [] : [`  hint: ${textOf(hint)}`]),
  ]
}

/** One line, without anything that a terminal would interpret. */
export function textOf(value: unknown): string {
  return shownText(typeof value === 'string' ? value : value === undefined ? '' : rawText(value))
}

function cut(text: string, charsMax: number): string {
  const chars = [...text]
  return chars.length > charsMax ? `${chars.slice(0, charsMax - 1).join('')}…` : text
}
