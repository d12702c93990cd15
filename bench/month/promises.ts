/**
 * What Headrace promises, compared with what the API of the month holds: every key in its newest version once, no
 * watermark ahead of the table, dead letters for the bad records alone. Comparisons are pure.
 */
import { openClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import { verifyStream } from '../../services/operator/verify/verify.ts'
import type { Place } from '../../test/support/published.ts'
import type { ClickHouse } from '../place.ts'
import type { MonthStream } from './api.ts'
import type { MonthRecord } from './records.ts'

export type Row = { id: string; n: number; amount: number; atMs: number }
export type Compared = {
  rows: number
  /** Keys of the API that the table lacks, or shows in an older version or with other values. */
  lost: number
  wrong: number
  /** Rows of a key that has one already, and of keys that the API never had or that are bad. */
  doubled: number
  foreign: number
}
export type LettersCompared = { bad: number; missing: number; foreign: number; letters: number }
export type Promises = Compared &
  LettersCompared & {
    /** Looks at watermarks over the month, and records that a watermark confirmed before the table had them. */
    watermarkLooks: number
    ahead: number
    /** Of `headrace verify`, over all streams. */
    differences: number
    /** By kind, with one example each. */
    differenceKinds: Record<string, string>
  }

export function compareRows(truth: ReadonlyMap<string, MonthRecord>, rows: readonly Row[]): Compared {
  const seen = new Set<string>()
  const compared = { rows: rows.length, lost: 0, wrong: 0, doubled: 0, foreign: 0 }
  for (const { id, n, amount, atMs } of rows) {
    const record = truth.get(id)
    if (record === undefined) compared.foreign += 1
    else if (seen.has(id)) compared.doubled += 1
    else if (record.n !== n || record.amount !== amount || Date.parse(record.updated_at) !== atMs) compared.wrong += 1
    seen.add(id)
  }
  for (const id of truth.keys()) if (!seen.has(id)) compared.lost += 1
  return compared
}

export function compareLetters(bad: ReadonlySet<string>, letters: readonly string[]): LettersCompared {
  const seen = new Set(letters)
  return {
    bad: bad.size,
    missing: [...bad].filter((id) => !seen.has(id)).length,
    foreign: [...seen].filter((id) => !bad.has(id)).length,
    letters: letters.length,
  }
}

/** Records before the watermark whose version, or a newer one, the table does not show. */
export function aheadOf(truth: Iterable<MonthRecord>, watermark: string, rows: readonly Row[]): number {
  const shown = new Map(rows.map(({ id, n }) => [id, n]))
  const untilMs = Date.parse(watermark)
  let ahead = 0
  for (const { id, n, updated_at } of truth) {
    if (Date.parse(updated_at) < untilMs && (shown.get(id) ?? -1) < n) ahead += 1
  }
  return ahead
}

export const streamName = (index: number): string => `s${index}`

export async function rowsOf(clickhouse: ClickHouse, { prefix }: Place, index: number): Promise<Row[]> {
  const table = `month_${streamName(index)}`
  const [there] = await clickhouse.rows<{ n: number }>(
    `SELECT count() AS n FROM system.tables WHERE database = '${prefix}' AND name = '${table}'`,
  )
  if (Number(there?.n ?? 0) === 0) return []
  const columns = 'id, n, toFloat64(amount) AS amount, toUnixTimestamp64Milli(updated_at) AS atMs'
  return clickhouse.rows<Row>(`SELECT ${columns} FROM ${prefix}.${table} FINAL`)
}

/** First the commits, then the table: what is committed first must be in what is read after it. */
export async function lookAtWatermarks(
  clickhouse: ClickHouse,
  place: Place,
  streams: readonly MonthStream[],
): Promise<{ looks: number; ahead: number }> {
  let [looks, ahead] = [0, 0]
  for (const [index, { valid }] of streams.entries()) {
    const [stored] = await place.kafka.committed(place.names.loaderGroup, topicOf(place, index))
    const commit = stored == null ? null : parseCommit(stored.offset, stored.metadata)
    if (commit === null || commit.watermark === null) continue
    const rows = await rowsOf(clickhouse, place, index)
    looks += 1
    ahead += aheadOf(valid.values(), commit.watermark, rows)
  }
  return { looks, ahead }
}

export const topicOf = ({ names }: Place, index: number): string =>
  names.records({ source: 'month', stream: streamName(index) })

export async function lettersOf({ kafka, names }: Place, topic: string): Promise<string[]> {
  const letters = names.deadLetters(topic)
  const ids: string[] = []
  for (const [partition, { low, high }] of (await kafka.logRanges(letters)).entries()) {
    for await (const { value } of kafka.readPartition(letters, partition, low, high))
      ids.push(String((JSON.parse(value?.toString() ?? '{}') as { id?: unknown }).id))
  }
  return ids
}

/** All streams are there, as the API has them. */
export async function isLoaded(
  clickhouse: ClickHouse,
  place: Place,
  streams: readonly MonthStream[],
): Promise<boolean> {
  for (const [index, { valid, bad }] of streams.entries()) {
    const { lost, wrong } = compareRows(valid, await rowsOf(clickhouse, place, index))
    if (lost + wrong > 0) return false
    if (compareLetters(bad, await lettersOf(place, topicOf(place, index))).missing > 0) return false
  }
  return true
}

export async function promisesOf(
  clickhouse: ClickHouse,
  place: Place,
  streams: readonly MonthStream[],
  watermarks: { looks: number; ahead: number },
): Promise<Promises> {
  const sums = {
    ...{ rows: 0, lost: 0, wrong: 0, doubled: 0, foreign: 0 },
    ...{ bad: 0, missing: 0, letters: 0, differences: 0 },
  }
  const differenceKinds: Record<string, string> = {}
  for (const [index, { valid, bad }] of streams.entries()) {
    const compared = compareRows(valid, await rowsOf(clickhouse, place, index))
    const letters = compareLetters(bad, await lettersOf(place, topicOf(place, index)))
    const differences = await differencesOf(place, `month.${streamName(index)}`)
    for (const { kind, ...rest } of differences) differenceKinds[kind] ??= JSON.stringify(rest)
    const foreign = compared.foreign + letters.foreign
    const own = { ...compared, ...letters, foreign, differences: differences.length }
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += own[name]
  }
  return { ...sums, watermarkLooks: watermarks.looks, ahead: watermarks.ahead, differenceKinds }
}

async function differencesOf(place: Place, stream: string) {
  const clickhouse = openClickHouse(place.config.clickhouse)
  try {
    const tools = { ...place, clickhouse, clock: systemClock, database: place.config.clickhouse.database }
    const { partitions } = await verifyStream(tools, stream, { examples: 1 })
    return partitions.flatMap(({ differences }) => differences)
  } finally {
    await clickhouse.close()
  }
}
