/**
 * How much a replay loads and how long it takes, before it begins. The ledger of pages gives the records; the times of
 * its loads give the rate. What the ledger does not know is counted by offsets, which exceed the records. So the
 * estimate is never too small.
 */
import { type ClickHouse, textLiteral } from '#shared/clickhouse.ts'
import { LEDGER_TABLE } from '#shared/names.ts'
import { exists, tableAt } from '../verify/table-shape.ts'
import type { ReplayPlan } from './replay.ts'

export type Estimate = {
  records: number
  /** Of these, offsets after the ledger's last page, control records among them. */
  atMost: number
  perSecond: number
  /** `default`: no loader was busy enough lately to be measured. */
  rate: 'measured' | 'default'
  seconds: number
}

/** Two cores shared with ClickHouse load about five times as many. */
export const DEFAULT_PER_SECOND = 20_000
const WINDOW_SECONDS = 10
const LATELY_DAYS = 7

/** `clickhouse`: null if there is none to query. */
export async function estimateReplay(
  clickhouse: ClickHouse | null,
  database: string,
  plan: ReplayPlan,
): Promise<Estimate> {
  const ledger = clickhouse !== null && (await exists(clickhouse, database, LEDGER_TABLE)) ? clickhouse : null
  const from = tableAt(database, LEDGER_TABLE)
  let [records, atMost] = [0, 0]
  for (const { partition, to, log } of plan.partitions) {
    const first = Math.max(to, log.low)
    const known =
      ledger === null
        ? { records: 0, next: first }
        : await knownOf(ledger, from, plan.topic, partition, first, log.high)
    records += known.records
    atMost += Math.max(0, log.high - Math.max(first, known.next))
  }
  const measured = ledger === null ? 0 : await fastestLately(ledger, from, plan.topic)
  const rate = measured > DEFAULT_PER_SECOND ? 'measured' : 'default'
  const perSecond = rate === 'measured' ? Math.round(measured) : DEFAULT_PER_SECOND
  const total = records + atMost
  return { records: total, atMost, perSecond, rate, seconds: Math.ceil(total / perSecond) }
}

async function knownOf(
  clickhouse: ClickHouse,
  from: string,
  topic: string,
  partition: number,
  first: number,
  high: number,
) {
  const where = `topic = ${textLiteral(topic)} AND partition = ${partition} AND offset >= ${first} AND offset < ${high}`
  const [row] = await clickhouse.rows<{ records: string; next: string }>(
    `SELECT sum(records) AS records, max(offset) + 1 AS next FROM ${from} FINAL WHERE ${where}`,
  )
  return { records: Number(row?.records ?? 0), next: Number(row?.next ?? 0) }
}

/** A loader that waits for its API does not show how fast it can be: the busiest moment counts. */
async function fastestLately(clickhouse: ClickHouse, from: string, topic: string): Promise<number> {
  const where = `topic = ${textLiteral(topic)} AND loaded_at > now() - INTERVAL ${LATELY_DAYS} DAY`
  const windows =
    `SELECT sum(records) AS records FROM ${from} WHERE ${where} GROUP BY ` +
    `intDiv(toUnixTimestamp(loaded_at), ${WINDOW_SECONDS})`
  const [row] = await clickhouse.rows<{ fastest: string }>(`SELECT max(records) AS fastest FROM (${windows})`)
  return Number(row?.fastest ?? 0) / WINDOW_SECONDS
}
