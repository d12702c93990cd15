/**
 * Formats the state of all partitions for a person. Within a width, the streams are stacked, with the main facts of
 * each partition. Without one (`--wide`), every partition has all columns on one line. What needs a person follows,
 * whatever the width. Pure.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { shownName } from '#shared/shown.ts'
import type { BackfillPart, BackfillStatus } from '../operator/status/backfills.ts'
import { type Need, needText } from '../operator/status/needs.ts'
import type { PartitionStatus, StreamStatus } from '../operator/status/status.ts'
import { type Cell, counted, table, toned, wrapped } from './table-output.ts'

const HEAD = ['p', 'last attempt', 'watermark', 'lag', 'dead letters']
const WIDE_HEAD = [
  ...[
    'stream',
    'p',
    'last attempt',
    'failing since',
    'checkpoint',
    'confirmed watermark',
    'lag',
    'dead letters',
    'last run',
    'next run',
  ],
  ...['fetcher', 'loader'],
]

/** `width`: null for every column. */
export function describeStatus(streams: readonly StreamStatus[], needs: readonly Need[], width: number | null): string {
  if (streams.length === 0) return `No stream has been fetched yet. Next: ${HEADRACE} fetch`
  const lines = [...needs.map((need) => `${toned('!', 'bad')} ${needText(need)}`), ...streams.flatMap(noticesOf)]
  if (width === null)
    return [table(streams.flatMap(wideRows), WIDE_HEAD), ...wideBackfills(streams), ...lines].join('\n')
  const rows = streams.flatMap(({ stream, partitions }) => [[stream], ...partitions.map(row)])
  return [
    table(rows, HEAD, width),
    ...backfills(streams, width),
    ...lines.map((line) => wrapped(line, width, '    ')),
  ].join('\n')
}

function row(status: PartitionStatus): Cell[] {
  const { partition, watermark, deadLetters } = status
  return [
    partition,
    attemptText(status),
    watermark ?? '–',
    lagText(status),
    `${deadLetters.count}${deadLetters.more ? '+' : ''}`,
  ]
}

const wideRows = ({ stream, partitions }: StreamStatus): Cell[][] =>
  partitions.map((each) => [
    ...[
      stream,
      each.partition,
      attemptText(each),
      each.attempt?.failingSince ?? '–',
      checkpointText(each),
      each.watermark ?? '–',
    ],
    ...[lagText(each), lettersText(each), runText(each), nextText(each), each.fetcher ?? '–', each.loader ?? '–'],
  ])

/** Its result and time, the progress of an unfinished run, and what stalls the rows. */
function attemptText({ attempt, checkpoint, stalled, lastRun }: PartitionStatus): string {
  const unfinished = checkpoint !== null && !checkpoint.done ? [`page ${checkpoint.page}`] : []
  const held = stalled === null ? [] : [toned('table stalled', 'bad')]
  if (attempt === null) {
    const known = lastRun === null ? '–' : `started\n${secondsOf(lastRun.startedAt)}`
    return [known, ...unfinished, ...held].join('\n')
  }
  const { outcome, failures, failingSince, attention, at } = attempt
  const times = failingSince !== null && failures > 1 ? ` (${failures} times)` : ''
  const kinds = attention.map(({ kind }) => toned(shownName(kind.replaceAll('_', ' ')), 'warn'))
  const word = toned(`${outcome}${times}`, outcome === 'failed' ? 'bad' : outcome === 'done' ? 'good' : 'warn')
  return [word, secondsOf(at), ...unfinished, ...kinds, ...held].join('\n')
}

/** Without fractions of a second. */
const secondsOf = (time: string): string => time.replace(/\.\d+Z$/, 'Z')

const lagText = ({ lag, lagAtMost }: PartitionStatus): Cell => (lagAtMost ? `≤ ${lag}` : lag)

function checkpointText({ checkpoint, shares }: PartitionStatus): string {
  if (checkpoint === null) return '–'
  const known = shares === undefined ? '' : `, ${counted(shares, 'share')}`
  return `${checkpoint.done ? 'done' : `page ${checkpoint.page}`}, ${checkpoint.watermark ?? 'no watermark'}${known}`
}

function lettersText({ deadLetters }: PartitionStatus): string {
  const reasons = Object.entries(deadLetters.reasons).map(([reason, count]) => `${count} ${reason}`)
  const done = deadLetters.done > 0 ? `\n${deadLetters.done} done` : ''
  const byReason = reasons.length > 0 ? `\n${reasons.join('\n')}` : ''
  return `${deadLetters.count}${deadLetters.more ? '+' : ''}${done}${byReason}`
}

function runText({ lastRun }: PartitionStatus): string {
  if (lastRun === null) return '–'
  const { startedAt, records, pages, requests, retries } = lastRun
  return [
    `${startedAt.slice(0, 19)}Z`,
    `${counted(records, 'record')}, ${counted(pages, 'page')}`,
    `${counted(requests, 'request')}, ${counted(retries, 'retry', 'retries')}`,
  ].join('\n')
}

const nextText = ({ next, skipped }: PartitionStatus): string =>
  skipped === null ? next : `${next}\npage ${skipped.page} skipped: ${skipped.status}`

const BACKFILL_HEAD = ['p', 'state', 'so far', 'now']

function backfills(streams: readonly StreamStatus[], width: number): string[] {
  const rows = streams.flatMap(({ stream, backfills }) =>
    backfills.flatMap((backfill) => [
      [`backfill of ${stream}, ${rangeText(backfill).replace('\n', ' ')}`],
      ...backfillRows(backfill),
    ]),
  )
  return rows.length === 0 ? [] : [table(rows, BACKFILL_HEAD, width)]
}

function wideBackfills(streams: readonly StreamStatus[]): string[] {
  const rows = streams.flatMap(({ stream, backfills }) =>
    backfills.flatMap((backfill) => backfillRows(backfill).map((cells) => [stream, rangeText(backfill), ...cells])),
  )
  return rows.length === 0 ? [] : [table(rows, ['backfill of', 'range', ...BACKFILL_HEAD])]
}

function backfillRows(backfill: BackfillStatus): Cell[][] {
  const { partitions } = backfill
  if (partitions.length === 0) return [['–', 'nothing published yet', '–', doerText(backfill)]]
  return partitions.map((part) => [part.partition, partText(part), soFarText(part), doerText(backfill)])
}

const rangeText = ({ range, id }: BackfillStatus): string => (range === null ? id : `${range.from}\nto ${range.to}`)

function partText({ done, pages, reached, lost, skipped }: BackfillPart): string {
  const state = lost ? 'lost from the log: run it again' : done ? 'done' : `page ${pages}, ${reached ?? 'no watermark'}`
  return skipped === null ? state : `${state}\npage ${skipped.page} skipped: ${skipped.status}`
}

function soFarText({ totals, pages }: BackfillPart): string {
  if (totals === null) return counted(pages, 'page')
  const letters = totals.deadLetters > 0 ? `\n${counted(totals.deadLetters, 'dead letter')}` : ''
  return `${counted(totals.records, 'record')}, ${counted(pages, 'page')}${letters}`
}

function doerText({ owner, waiting }: BackfillStatus): string {
  if (owner !== null) return 'running'
  return waiting.length > 0 ? 'waiting' : '–'
}

function noticesOf({ stream, partitions }: StreamStatus): string[] {
  return partitions.flatMap(({ partition, lastRun }) => {
    if (lastRun === null || lastRun.drift.length === 0) return []
    const fields = lastRun.drift.map((path) => shownName(path)).join(', ')
    return [`  ${stream}/${partition}: fields not in the schema: ${fields}`]
  })
}
