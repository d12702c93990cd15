/**
 * What the loader holds in memory while a backlog waits and ClickHouse does not answer. The process of ClickHouse is
 * stopped (SIGSTOP), so that connections stay open, and resumed after a while. At the end every record must be there
 * once, and the group at the end of the log.
 */

import { systemClock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'
import { CLI, runChild } from './child.ts'
import { type FullTopic, fullTopic, PARTITIONS } from './full-topic.ts'
import { rounded } from './numbers.ts'
import { type Bench, pidOf } from './place.ts'
import { type Memory, memoryOf } from './usage.ts'

export type StandstillReport = {
  records: number
  bytesPerRecord: number
  partitions: number
  /** The whole run, standstill included. */
  seconds: number
  stoodStillSeconds: number
  /** Rows in the table when it began. */
  rowsBefore: number
  /** Under FINAL, at the end. */
  rows: number
  deadLetters: number
  /** Records behind what the group has committed, over all partitions, at the end. */
  lag: number
  memory: Memory | null
}

type Standstill = { rowsBefore: number; seconds: number }

const LOOK_EVERY_MS = 100
/** Of the records, before ClickHouse is stopped. */
const BEGIN_SHARE = 0.2

export async function standstillPart(bench: Bench): Promise<StandstillReport> {
  const records = bench.options['standstill-records']
  const topic = await fullTopic(bench, records)
  try {
    const ended = new AbortController()
    const args = [CLI, 'load', '--until-caught-up', '--json']
    const loading = runChild<{ deadLetters: number }>({
      name: 'standstill-loader',
      args,
      env: topic.place.env,
      logDir: bench.logDir,
    }).finally(() => ended.abort())
    const [{ result, samples, seconds }, standstill] = await Promise.all([
      loading,
      standStill(bench, topic, records, ended.signal),
    ])
    return {
      records,
      bytesPerRecord: topic.bytesPerRecord,
      partitions: PARTITIONS,
      seconds: rounded(seconds, 1),
      stoodStillSeconds: rounded(standstill.seconds, 1),
      rowsBefore: standstill.rowsBefore,
      rows: await count(bench, `${tableOf(topic)} FINAL`),
      deadLetters: result.deadLetters,
      lag: await lagOf(topic),
      memory: memoryOf(samples),
    }
  } finally {
    await topic.close()
  }
}

/** Resolves when ClickHouse has resumed. If the loader had ended before, it was never stopped. */
async function standStill(bench: Bench, topic: FullTopic, records: number, ended: AbortSignal): Promise<Standstill> {
  const lasts = bench.options['standstill-seconds']
  let rowsBefore = 0
  while (rowsBefore < BEGIN_SHARE * records) {
    await systemClock.sleep(LOOK_EVERY_MS, ended).catch(() => undefined)
    if (ended.aborted) return { rowsBefore, seconds: 0 }
    rowsBefore = await rowsOf(bench, topic)
  }
  const server = pidOf(bench, 'clickhouse')
  const startMs = systemClock.elapsedMs()
  bench.say(`  ClickHouse stands still for ${lasts} s after ${rowsBefore} rows`)
  process.kill(server, 'SIGSTOP')
  try {
    await systemClock.sleep(lasts * SECOND_MS, ended).catch(() => undefined)
  } finally {
    process.kill(server, 'SIGCONT')
  }
  return { rowsBefore, seconds: (systemClock.elapsedMs() - startMs) / SECOND_MS }
}

const tableOf = ({ place, published }: FullTopic): string => `${place.prefix}.${published.table}`

/** 0 while there is no table. */
async function rowsOf(bench: Bench, { place, published }: FullTopic): Promise<number> {
  const [found] = await bench.clickhouse.rows<{ n: number | null }>(
    `SELECT total_rows AS n FROM system.tables WHERE database = '${place.prefix}' AND name = '${published.table}'`,
  )
  return found?.n ?? 0
}

async function count({ clickhouse }: Bench, from: string): Promise<number> {
  const [counted] = await clickhouse.rows<{ n: number }>(`SELECT count() AS n FROM ${from}`)
  return counted?.n ?? 0
}

async function lagOf({ place: { kafka, names }, published: { topic } }: FullTopic): Promise<number> {
  const [ranges, committed] = await Promise.all([kafka.logRanges(topic), kafka.committed(names.loaderGroup, topic)])
  return ranges.reduce((lag, { low, high }, partition) => lag + high - (committed[partition]?.offset ?? low), 0)
}
