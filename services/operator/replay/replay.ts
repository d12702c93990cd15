/**
 * A replay resets the loader's offsets of one stream, and everything after them is loaded again from Kafka. Rows do not
 * double (ReplacingMergeTree), and the API is not called. Any Kafka tool can do the same; this one accepts times and
 * shows what it would do.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import { type Committed, type Kafka, refuseIfActive } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import { positionOf } from '#shared/watermark.ts'
import { topicOf } from '../dead-letters/list.ts'
import { rangesOfRun } from '../verify/run-offsets.ts'

export type ReplayPlan = {
  stream: string
  topic: string
  /** `again`: offsets, control records among them, from there to the end of the log. */
  partitions: {
    partition: number
    from: number | null
    to: number
    log: { low: number; high: number }
    again: number
  }[]
}

/** `beginning`, an RFC 3339 time, `partition:offset` (several separated by commas), or a run. */
export type ReplayFrom =
  | { kind: 'beginning' }
  | { kind: 'time'; timestampMs: number }
  | { kind: 'offsets'; offsets: Map<number, number> }
  | { kind: 'run'; run: string }

/** Throws WrongUse with the three forms. */
export function parseFrom(text: string): ReplayFrom {
  if (text === 'beginning') return { kind: 'beginning' }
  if (/^\d+:\d+(,\d+:\d+)*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number) as [number, number])
    return { kind: 'offsets', offsets: new Map(pairs) }
  }
  // Parsed as a record's time is. Date.parse takes 31 February for 3 March, and reads a time without a zone in the
  // machine's own.
  const time = positionOf('iso', text)
  if (typeof time === 'bigint') return { kind: 'time', timestampMs: Number(time / NS_PER_MS) }
  throw new WrongUse('HR_REPLAY_FROM', `--from ${text} is not a place in a stream`, {
    hint: 'give beginning, a time such as 2026-01-31T00:00:00Z, or partition:offset such as 0:1500',
  })
}

/**
 * The offsets to set, never beyond the present ones: what lies between was not loaded yet. Offsets below the log's
 * start are raised to it. Those beyond the end, or beyond what is loaded, are refused. `partition`: only that one.
 */
export async function planReplay(
  kafka: Kafka,
  names: Names,
  wanted: string,
  from: ReplayFrom,
  partition?: number,
): Promise<ReplayPlan> {
  const topic = await topicOf(kafka, names, wanted)
  const [logs, committed] = await Promise.all([kafka.logRanges(topic), kafka.committed(names.loaderGroup, topic)])
  const targets = await targetsOf(kafka, topic, logs, from, partition)
  const partitions = [...targets].map(([each, to]) => {
    const log = logs[each]
    if (log === undefined || to > log.high) {
      const what = log === undefined ? `no partition ${each}` : `no offset ${to} in partition ${each}`
      throw new WrongUse('HR_REPLAY_FROM', `${wanted} has ${what}`, {
        hint: `its partitions hold ${logs.map(({ low, high }, index) => `${index}: ${low} to ${high}`).join(', ')}`,
      })
    }
    const stored = committed[each] ?? null
    refuseHidingLoss(wanted, each, stored)
    const now = stored === null || stored.offset < 0 ? log.low : stored.offset
    const place = Math.max(to, log.low)
    if (place > now && from.kind === 'offsets') {
      throw new WrongUse(
        'HR_REPLAY_FORWARD',
        `${wanted}: offset ${to} of partition ${each} is not loaded yet, and would be skipped up to there`,
        {
          hint: `a replay goes back from where the loader is, ${now}`,
        },
      )
    }
    const set = Math.min(place, now)
    return {
      partition: each,
      from: stored?.offset ?? null,
      to: set,
      log,
      again: Math.max(0, log.high - Math.max(set, log.low)),
    }
  })
  return { stream: wanted, topic, partitions }
}

/**
 * A commit may say that records were lost before they were loaded. A reset would hide that until they are refetched.
 */
function refuseHidingLoss(stream: string, partition: number, stored: Committed | null): void {
  const lost = stored === null ? undefined : parseCommit(stored.offset, stored.metadata)?.lost
  if (lost === undefined) return
  throw new Stopped(
    'HR_REPLAY_LOSS',
    `${stream}/${partition}: offsets ${lost.from} to ${lost.below - 1} were lost before they were loaded`,
    {
      hint:
        `let the fetcher ask the API for them and the loader load them first (${HEADRACE} fetch, ` +
        `${HEADRACE} load): a reset would hide the loss`,
    },
  )
}

async function targetsOf(
  kafka: Kafka,
  topic: string,
  logs: readonly { low: number }[],
  from: ReplayFrom,
  partition: number | undefined,
): Promise<Map<number, number>> {
  if (partition !== undefined && logs[partition] === undefined) return new Map([[partition, 0]])
  const isAsked = (each: number) => (partition ?? each) === each
  if (from.kind === 'offsets') return new Map([...from.offsets].filter(([each]) => isAsked(each)))
  if (from.kind === 'run') {
    const ranges = await rangesOfRun(kafka, topic, from.run, partition)
    return new Map([...ranges].map(([each, range]) => [each, range.from]))
  }
  const offsets =
    from.kind === 'beginning' ? logs.map(({ low }) => low) : await kafka.offsetsAt(topic, from.timestampMs)
  return new Map([...offsets.entries()].filter(([each]) => isAsked(each)))
}

/** Throws Stopped (HR_KAFKA_GROUP_ACTIVE) while a loader runs: its next commit would undo the reset. */
export async function applyReplay(kafka: Kafka, names: Names, plan: ReplayPlan): Promise<void> {
  await refuseIfActive(kafka, names.loaderGroup)
  const changed = plan.partitions.filter(({ from, to }) => from !== to)
  await kafka.resetOffsets(names.loaderGroup, plan.topic, new Map(changed.map(({ partition, to }) => [partition, to])))
}
