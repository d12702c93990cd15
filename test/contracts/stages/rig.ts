/**
 * What every stage of the loader is tested with: records to hand over, a gate that keeps one of them open, and the
 * order in which the stage has passed them on. Assumes one topic and two partitions.
 */
import { systemClock } from '#shared/clock.ts'
import type { RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { frame, MARKER_HEADER } from '#shared/messages/frame.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import type { BatchPart, PartitionState, Target } from '../../../services/loader/batch/batch.ts'
import { Abandoned, type RetryPolicy } from '../../../services/loader/failures/retry.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'
import { splice } from '../../../services/loader/splice/splice.ts'
import { markerOf, order } from '../../support/published.ts'

export type Position = { partition: number; offset: number }
export type Fetched = { partition: number; offsets: readonly number[] }
/** `max`: what the stage allows at most; `peak`: what it came to when it was given more. */
export type Bound = { name: string; max: number; peak: number }

export type Rig = {
  /** Hands the records of one fetch to the stage. Does not wait until they have passed. */
  feed(fetched: Fetched): Promise<void>
  /** What the stage has passed on, in the order of its effects. */
  passed: readonly Position[]
  /** The next record that the stage works on stays open until `unblock`. */
  block(): void
  unblock(): void
  /** The stage has met what is blocked. */
  isWaiting(): boolean
  /** `ending`: finish, but do not wait any more. `over`: another member owns the partitions. */
  stop(signal: 'ending' | 'over'): Promise<void>
  /** What the server of the stage holds, where there is one: the same records as in `passed`. */
  stored?(): Promise<readonly Position[]>
  /** Gives the stage more than it may take at once. */
  overfill(): Promise<Bound>
}

export const TOPIC_OF = { source: 'shop', stream: 'orders' }
export const FETCHED_AT_MS = 1_700_000_000_000
export const PARTITIONS = 2
const WAIT_MAX_MS = 2

/** Waits between attempts take no time. */
export const quickClock = {
  ...systemClock,
  random: () => 0,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, WAIT_MAX_MS), signal),
}
export const metrics = createMetrics()
export const log = silentLog

/** Keeps the first key that it is asked about while it is closed; every other key passes. */
export function createGate() {
  let isClosed = false
  let kept: string | null = null
  return {
    block: () => {
      isClosed = true
    },
    unblock: () => {
      isClosed = false
      kept = null
    },
    isWaiting: () => kept !== null,
    keeps(key: string): boolean {
      if (isClosed) kept ??= key
      return kept === key
    },
  }
}
export type Gate = ReturnType<typeof createGate>

export const placesOf = ({ partition, offsets }: Fetched): Position[] =>
  offsets.map((offset) => ({ partition, offset }))
export const keyOf = ({ partition, offset }: Position): string => `${partition}/${offset}`

export type Kind = 'row' | 'frame' | 'marker' | 'walk'

function message(kind: Kind, offset: number, schemaId: number, partition: number): RawMessage {
  const head = { offset: String(offset), timestamp: String(FETCHED_AT_MS + offset), key: null }
  if (kind === 'frame') return { ...head, value: Buffer.from([9, 9]) }
  if (kind === 'row') {
    const id = `${partition}-${offset}`
    return { ...head, value: frame(schemaId, JSON.stringify({ ...order(offset), id })) }
  }
  const startedMs = FETCHED_AT_MS + offset
  const complete = kind === 'walk' ? { complete: { from: 0, startedMs, allowed: true } } : {}
  const facts = { ...markerOf(offset + 1, 0, startedMs), ...complete }
  return { ...head, value: null, headers: { [MARKER_HEADER]: Buffer.from(JSON.stringify(facts)) } }
}

/** A fetch as the reader delivers it. `kindOf`: by offset. */
export function readBatchOf(
  topic: string,
  schemaId: number,
  { partition, offsets }: Fetched,
  kindOf: (offset: number) => Kind = () => 'row',
): ReadBatch {
  const messages = offsets.map((offset) => message(kindOf(offset), offset, schemaId, partition))
  const nextOffset = (offsets.at(-1) ?? -1) + 1
  return { topic, partition, generation: 1, messages, nextOffset, highOffset: nextOffset }
}

export function startState(offset: number): PartitionState {
  return { nextOffset: offset, watermark: null, open: 0, lost: null, wholeFrom: 0 }
}

/** The same fetch as the part of a batch. */
export function partOf(topic: string, target: Target, fetched: Fetched, kindOf?: (offset: number) => Kind): BatchPart {
  const batch = readBatchOf(topic, target.id, fetched, kindOf)
  const [part, ...others] = splice(batch, startState(fetched.offsets[0] ?? 0), () => target)
  if (part === undefined || others.length > 0) throw new RangeError('a fetch of one schema is one part')
  return part
}

export function policyOf(): { policy: RetryPolicy; stop(signal: 'ending' | 'over'): void } {
  const signals = { ending: new AbortController(), over: new AbortController() }
  const stalls = createStalls({ log, metrics, clock: quickClock })
  const policy = { clock: quickClock, stalls, over: signals.over.signal, stopping: signals.ending.signal }
  return { policy, stop: (signal) => signals[signal].abort() }
}

/** Runs one step after the other, as the pipeline does for a topic. After an abandoned one nothing follows. */
export function oneAfterTheOther() {
  let tail: Promise<void> = Promise.resolve()
  let abandoned = false
  return {
    run(step: () => Promise<unknown>): void {
      tail = tail.then(async () => {
        if (abandoned) return
        try {
          if ((await step()) === 'given up') abandoned = true
        } catch (error) {
          if (!(error instanceof Abandoned)) throw error
          abandoned = true
        }
      })
      tail.catch(() => undefined)
    },
    done: () => tail,
  }
}
