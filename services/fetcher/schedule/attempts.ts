/**
 * How the last attempt of each owned partition ended: stored for `status` and for the next owner, shown as metrics and
 * in /readyz. It also keeps a pause that the API asked for across restarts, and ends it when a person releases it.
 * Guarantees: storing never fails or delays a run. Stored attempts are read at each new assignment, so a restart does
 * not make a failing partition look healthy.
 */
import type { Clock } from '#shared/clock.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { isRefusal } from '#shared/health.ts'
import { FencedError, type Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { attemptAfter, attemptText, parkedUntil, parseAttempt, parseRelease } from '#shared/progress/last-attempt.ts'
import { createNotes } from '#shared/progress/notes.ts'
import { Parked } from '../http/errors.ts'
import { type Owned, ownedId } from './assigned-partitions.ts'
import { removeAttemptGauges, setAttemptGauges } from './attempt-metrics.ts'
import {
  type AttemptState,
  endedAttempt,
  type FailingPartition,
  failingOf,
  isSameSuccess,
  parkedTogether,
} from './attempt-state.ts'
import type { RunOutcome } from './run-outcome.ts'
import { waitAfterMs } from './schedule.ts'

/** What a partition asks and reports. */
export type PartitionAttempts = {
  /** The outcome instead of a run, while the API asks to wait; null: run. */
  parked(): RunOutcome | null
  /**
   * `isScheduled`: it was a run of the stream's schedule. Any other outcome is stored only if it was parked, since that
   * holds for the schedule too.
   */
  ended(outcome: RunOutcome, isScheduled: boolean): void
}

export type Attempts = {
  of(owned: Owned): PartitionAttempts
  /** Reads the stored attempts of partitions that are new here. Never throws. */
  assigned(owned: ReadonlyMap<string, Owned>): Promise<void>
  /** Calls `wake` whenever a person has released the partition's pause, until the returned function is called. */
  onReleased(owned: Owned, wake: () => void): () => void
  /** An attempt that failed before its run could begin. */
  failedBefore(owned: Owned, error: unknown): void
  failing(): FailingPartition[]
  /** Why Kafka or the registry refused the last attempt of a partition; null if they did not. */
  refusal(): string | null
  /** Resolves when all is stored or refused, after a bounded time. */
  close(): Promise<void>
}

export type AttemptsTools = {
  streams: readonly Stream[]
  kafka: Pick<Kafka, 'committed' | 'storeOffsets'>
  names: Names
  /** True for a service, which retries by itself. */
  repeats: boolean
  clientOf(source: Source): PausingClient | undefined
  clock: Clock
  log: Log
  metrics: Metrics
}

export type PausingClient = {
  redact(text: string): string
  /** No request before this time, epoch milliseconds. */
  pauseUntil(untilMs: number): void
  /** Ends the pauses that park. */
  endPauses(): void
}

/** How soon a service notices a release. */
export const RELEASE_POLL_MS = 5_000
/** A stream that runs continuously does not store every success. */
const SAME_AGAIN_MS = 5_000
/** How long a stop waits for the last notes to be stored. */
const WRITE_LAST_MS = 5_000

type State = AttemptState & { wakes: Set<() => void> }

export function createAttempts(tools: AttemptsTools): Attempts {
  const { streams, kafka, names, clock, log, metrics } = tools
  const notes = createNotes({ kafka, group: names.attemptsGroup, clock, log })
  const states = new Map<string, State>()
  const closing = new AbortController()

  const topicOf = ({ source, name }: Stream): string => names.records({ source: source.name, stream: name })

  function stateOf({ stream, partition }: Owned): State {
    const id = ownedId(stream, partition)
    const known = states.get(id)
    if (known !== undefined) return known
    const fresh = {
      last: null,
      release: null,
      refusal: null,
      hasTopic: true,
      writtenMs: Number.NEGATIVE_INFINITY,
      wakes: new Set<() => void>(),
    }
    const state = { stream, partition, topic: topicOf(stream), ...fresh }
    states.set(id, state)
    return state
  }

  const untilOf = ({ last, release }: Pick<State, 'last' | 'release'>): number | null =>
    parkedUntil(last, release, clock.nowMs())

  function parked(state: State): RunOutcome | null {
    const untilMs = untilOf(state)
    if (untilMs === null) return null
    const message = state.last?.message ?? `${state.stream.label}: the API asks to wait`
    return {
      outcome: 'parked',
      parkedUntilMs: untilMs,
      error: new Parked(untilMs, message, state.last?.wholeSource === true),
    }
  }

  function ended(state: State, outcome: RunOutcome, isScheduled: boolean): void {
    // A fenced run says nothing about the stream; its successor does.
    if (outcome.error instanceof FencedError) return
    if (!isScheduled && outcome.outcome !== 'parked') return
    store(state, outcome)
  }

  function store(state: State, outcome: RunOutcome): void {
    const redact = tools.clientOf(state.stream.source)?.redact ?? ((text: string) => text)
    const attempt = endedAttempt(outcome, clock.nowMs(), redact)
    if (attempt === null) return
    state.refusal = isRefusal(outcome.error) ? messageOf(outcome.error) : null
    const before = state.last
    const next = attemptAfter(before, attempt)
    const failures = Math.max(1, next.failures)
    const { atMs } = attempt
    state.last = tools.repeats
      ? { ...next, nextMs: atMs + waitAfterMs(state.stream, outcome, failures, atMs, 1) }
      : next
    setAttemptGauges(metrics, state)
    if (!state.hasTopic || (isSameSuccess(before, next) && clock.elapsedMs() - state.writtenMs < SAME_AGAIN_MS)) return
    state.writtenMs = clock.elapsedMs()
    notes.put(state.topic, state.partition, attemptText(state.last))
  }

  async function assigned(owned: ReadonlyMap<string, Owned>): Promise<void> {
    for (const [id, state] of states) {
      if (owned.has(id)) continue
      removeAttemptGauges(metrics, state)
      states.delete(id)
    }
    const mine = new Set([...states.values()].map(({ topic, partition }) => `${topic}/${partition}`))
    notes.retain((topic, partition) => mine.has(`${topic}/${partition}`))
    const fresh = [...owned].filter(([id]) => !states.has(id)).map(([, each]) => stateOf(each))
    const sources = new Set(fresh.map(({ stream }) => stream.source))
    const byStream = Map.groupBy(fresh, ({ stream }) => stream)
    const related = streams.filter(({ source }) => sources.has(source))
    await Promise.all(related.map((stream) => readStored(stream, byStream.get(stream) ?? [])))
    for (const state of fresh) setAttemptGauges(metrics, state)
  }

  /** `fresh`: of this stream. If another worker owns its partitions, only a pause of the whole source counts here. */
  async function readStored(stream: Stream, fresh: readonly State[]): Promise<void> {
    const topic = topicOf(stream)
    const byPartition = new Map(fresh.map((state) => [state.partition, state]))
    try {
      const [attempts, releases] = await Promise.all([notes.read(topic), kafka.committed(names.releasesGroup, topic)])
      for (const state of fresh) state.hasTopic = attempts.length > 0
      for (const [partition, text] of attempts.entries()) {
        if (partition >= stream.partitions.length) {
          // This partition is not run any more, so nothing would ever clear its failure.
          if (text !== '') notes.put(topic, partition, '')
          continue
        }
        const stored = { last: parseAttempt(text), release: parseRelease(releases[partition]?.metadata ?? '') }
        const state = byPartition.get(partition)
        if (state !== undefined && state.last === null) Object.assign(state, stored)
        const untilMs = untilOf(stored)
        if (untilMs !== null && stored.last?.wholeSource === true) tools.clientOf(stream.source)?.pauseUntil(untilMs)
      }
    } catch (error) {
      log.warn({ err: error, stream: stream.label }, 'cannot read how the last attempts ended')
    }
  }

  /** Bounded by the number of owned partitions; requests nothing while none is parked. */
  async function watchReleases(): Promise<void> {
    for (;;) {
      await clock.sleep(RELEASE_POLL_MS, closing.signal)
      notes.refresh()
      const waiting = [...states.values()].filter((state) => untilOf(state) !== null)
      for (const topic of new Set(waiting.map((state) => state.topic))) {
        const releases = await kafka.committed(names.releasesGroup, topic).catch(() => [])
        for (const state of waiting.filter((each) => each.topic === topic)) {
          state.release = parseRelease(releases[state.partition]?.metadata ?? '')
          if (untilOf(state) === null && state.last?.outcome === 'parked') resume(state)
        }
      }
    }
  }

  /**
   * A pause of the whole source ends for all partitions that wait for it here, even those that met it after the
   * release.
   */
  function resume(state: State): void {
    tools.clientOf(state.stream.source)?.endPauses()
    const attemptMs = state.last?.atMs ?? 0
    const together = parkedTogether(state, [...states.values()])
    for (const each of together) {
      if (each !== state && untilOf(each) === null) continue
      each.release = { v: 1, attemptMs: each.last?.atMs ?? attemptMs, atMs: clock.nowMs() }
      log.info({ stream: each.stream.label, partition: each.partition }, 'the pause was released; asking the API again')
      for (const wake of each.wakes) wake()
    }
  }

  if (tools.repeats) watchReleases().catch(() => undefined)

  return {
    assigned,
    of: (owned) => ({
      parked: () => parked(stateOf(owned)),
      ended: (outcome, isScheduled) => ended(stateOf(owned), outcome, isScheduled),
    }),
    onReleased(owned, wake) {
      const { wakes } = stateOf(owned)
      wakes.add(wake)
      return () => void wakes.delete(wake)
    },
    failedBefore(owned, error) {
      store(stateOf(owned), { outcome: 'failed', error })
    },
    refusal: () => [...states.values()].find(({ refusal }) => refusal !== null)?.refusal ?? null,
    failing: () =>
      [...states.values()].flatMap(({ stream, partition, last }) =>
        last === null ? [] : failingOf(ownedId(stream, partition), last),
      ),
    async close() {
      closing.abort()
      await notes.written(WRITE_LAST_MS)
      notes.close()
    },
  }
}
