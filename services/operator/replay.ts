/**
 * A replay: the loader's offsets of one stream are set back, and everything behind them is loaded again from Kafka. Rows do not double
 * (ReplacingMergeTree) and the API is not asked. Any Kafka tool can do the same; this one takes times and shows what it would do.
 */
import { WrongUse } from '../../shared/errors.ts'
import type { Kafka } from '../../shared/kafka.ts'
import type { Names } from '../../shared/topics.ts'
import { positionOf } from '../../shared/watermark.ts'
import { streamsOf } from './status.ts'

export type ReplayPlan = {
  stream: string
  topic: string
  partitions: { partition: number; from: number | null; to: number; log: { low: number; high: number }; again: number }[]
}

/** `beginning`, an RFC 3339 time, or `partition:offset` (several separated by commas). */
export type ReplayFrom = { kind: 'beginning' } | { kind: 'time'; timestampMs: number } | { kind: 'offsets'; offsets: Map<number, number> }

const NS_PER_MS = 1_000_000n

/** Throws WrongUse with the three forms. */
export function parseFrom(text: string): ReplayFrom {
  if (text === 'beginning') return { kind: 'beginning' }
  if (/^\d+:\d+(,\d+:\d+)*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number) as [number, number])
    return { kind: 'offsets', offsets: new Map(pairs) }
  }
  // Read as a record's time is: Date.parse takes 31 February for 3 March, and a time without a zone for the machine's own.
  const time = positionOf('iso', text)
  if (typeof time === 'bigint') return { kind: 'time', timestampMs: Number(time / NS_PER_MS) }
  throw new WrongUse('HR_REPLAY_FROM', `--from ${text} is no place in a stream`, {
    hint: 'give beginning, a time such as 2026-01-31T00:00:00Z, or partition:offset such as 0:1500',
  })
}

/** What would be set. Offsets below the log's start are raised to it; those beyond its end are refused. */
export async function planReplay(kafka: Kafka, names: Names, wanted: string, from: ReplayFrom): Promise<ReplayPlan> {
  const [found] = await streamsOf(kafka, names, [wanted])
  if (found === undefined) throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a stream "${wanted}"`)
  const [logs, committed] = await Promise.all([kafka.logRanges(found.topic), kafka.committed(names.loaderGroup, found.topic)])
  const targets = await targetsOf(kafka, found.topic, logs, from)
  const partitions = [...targets].map(([partition, to]) => {
    const log = logs[partition]
    if (log === undefined || to > log.high) {
      const what = log === undefined ? `no partition ${partition}` : `no offset ${to} in partition ${partition}`
      throw new WrongUse('HR_REPLAY_FROM', `${wanted} has ${what}`, {
        hint: `its partitions hold ${logs.map(({ low, high }, index) => `${index}: ${low} to ${high}`).join(', ')}`,
      })
    }
    const place = Math.max(to, log.low)
    return { partition, from: committed[partition]?.offset ?? null, to: place, log, again: Math.max(0, log.high - place) }
  })
  return { stream: wanted, topic: found.topic, partitions }
}

async function targetsOf(kafka: Kafka, topic: string, logs: readonly { low: number }[], from: ReplayFrom): Promise<Map<number, number>> {
  if (from.kind === 'offsets') return from.offsets
  const offsets = from.kind === 'beginning' ? logs.map(({ low }) => low) : await kafka.offsetsAt(topic, from.timestampMs)
  return new Map(offsets.map((offset, partition) => [partition, offset]))
}

/** Throws Stopped (HR_KAFKA_GROUP_ACTIVE) while a loader runs: its next commit would undo the reset. */
export async function applyReplay(kafka: Kafka, names: Names, plan: ReplayPlan): Promise<void> {
  await kafka.resetOffsets(names.loaderGroup, plan.topic, new Map(plan.partitions.map(({ partition, to }) => [partition, to])))
}
