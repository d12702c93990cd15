/**
 * This process as a member of the loader's group. It joins with the current topics and starts each assignment from the
 * group's commits. At the end of an assignment it finishes work in progress before it gives the partitions up. The
 * Kafka port refuses commits of an assignment that has ended.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError } from '#shared/errors.ts'
import type { Kafka, LogRange, MembershipOptions, OffsetGap, Reader, ReaderAssignment } from '#shared/kafka/kafka.ts'
import { AccessDenied, StaleGeneration } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { type BatchPart, type PartitionState, restOf } from '../batch/batch.ts'
import type { PartitionCommit } from '../commit/commit-batch.ts'
import { type Assigned, placeOf } from './assignment.ts'
import type { InFlightLimit } from './in-flight-limit.ts'
import type { Intake } from './intake.ts'
import { afterGap, LOG_START, startingState, wasLoaded } from './start-position.ts'

export type Membership = {
  /**
   * Leaves the group if it is a member, and joins with these topics. Throws Unavailable only the first time, after some
   * attempts; later it retries until `stop` aborts. Throws AccessDenied at once.
   */
  join(topics: string[], stop: AbortSignal): Promise<void>
  /** Reads nothing more, finishes work in progress within `withinMs`, leaves the group. */
  leave(withinMs: number): Promise<void>
  commit(commits: readonly PartitionCommit[], generation: number): Promise<void>
  assigned(): Assigned | null
  reader(): Reader | null
}

export type MembershipDeps = {
  kafka: Kafka
  options: Pick<MembershipOptions, 'sessionTimeoutMs' | 'heartbeatMs'>
  names: Names
  inFlightLimit: InFlightLimit
  intake(): Intake
  push(part: BatchPart): void
  /** Closes all open batches. */
  flush(topic: null): void
  clock: Clock
  log: Log
  metrics: Metrics
  onAssigned(assigned: Assigned): void
  onCrash(error: Error): void
}

/** As large as the reader's fetches may be: fewer and larger fetches cost less a record. */
export const FETCH_BYTES_MAX = 2 * 1024 * 1024
/** Time to finish work in progress when the topics change. */
const REJOIN_FINISH_MS = 15_000
const REJOIN_WAIT_MS = 5_000
/** A broker that has just started may have no coordinator for the group yet. */
const FIRST_JOINS_MAX = 4
/**
 * Used where the start of the log is unknown: any number but 0, since offset 0 is the only one that surely opens a
 * page.
 */
const UNKNOWN_LOW = 1

export function createMembership(deps: MembershipDeps): Membership {
  const { kafka, names, inFlightLimit, intake, push, flush, clock, log, metrics } = deps
  let reader: Reader | null = null
  let current: Assigned | null = null
  let joined = false

  async function join(topics: string[], stop: AbortSignal): Promise<void> {
    await leave(REJOIN_FINISH_MS)
    for (let tries = 1; topics.length > 0 && !stop.aborted; tries++) {
      try {
        reader = await open(topics)
        joined = true
        return
      } catch (error) {
        if (!(error instanceof HeadraceError) || error instanceof AccessDenied) throw error
        if (!joined && tries >= FIRST_JOINS_MAX) throw error
        log.warn({ err: error }, 'the group could not be joined; trying again')
        await clock.sleep(REJOIN_WAIT_MS, stop).catch(() => undefined)
      }
    }
  }

  function open(topics: string[]): Promise<Reader> {
    return kafka.reader({
      ...deps.options,
      group: names.loaderGroup,
      topics,
      maxBytesPerPartition: FETCH_BYTES_MAX,
      onAssigned,
      onRebalancing: () => finish(),
      onGap,
      onBatch: async (batch) => {
        const assigned = current
        return assigned === null || assigned.generation !== batch.generation ? 'full' : intake().take(batch, assigned)
      },
      onCrash: deps.onCrash,
    })
  }

  async function leave(withinMs: number): Promise<void> {
    const leaving = reader
    if (leaving === null) return
    const timer = new AbortController()
    await Promise.race([finish(), clock.sleep(withinMs, timer.signal).catch(() => undefined)])
    timer.abort()
    current?.over.abort()
    reader = null
    current = null
    await leaving.close()
  }

  /** Inserts and commits everything that was read, or abandons it. */
  async function finish(): Promise<void> {
    current?.ending.abort()
    flush(null)
    await inFlightLimit.empty()
  }

  async function onAssigned(assignment: ReaderAssignment): Promise<void> {
    current?.over.abort()
    current = null
    intake().reset()
    const states = new Map<string, PartitionState>()
    const loadedBefore = new Set<string>()
    for (const [topic, partitions] of assignment.partitions) {
      const ranges = await rangesIfNew(topic, partitions, assignment)
      for (const partition of partitions) {
        const committed = assignment.committed(topic, partition)
        const range = ranges[partition]
        const state = startingState(committed, range?.low ?? UNKNOWN_LOW)
        const isCut = committed === null && range !== undefined && range.low > LOG_START
        states.set(placeOf(topic, partition), isCut ? afterGap(state, { position: LOG_START, ...range }) : state)
        if (isCut) reportGap({ topic, partition, position: LOG_START, ...range })
        if (wasLoaded(committed)) loadedBefore.add(topic)
      }
    }
    const own = [...assignment.partitions].filter(([, partitions]) => partitions.length > 0)
    const { generation } = assignment
    const signals = { ending: new AbortController(), over: new AbortController() }
    current = { generation, topics: own.map(([topic]) => topic), states, loadedBefore, givenUp: new Set(), ...signals }
    const assigned = own.map(([topic, partitions]) => `${topic}/${partitions.join('+')}`)
    log.info({ generation, assigned }, `loading ${states.size} partitions`)
    deps.onAssigned(current)
  }

  /**
   * Only for topics with a partition that has no commit. What its log has lost was never loaded. The fetcher sees it
   * the same way, and the watermark has to wait for it.
   */
  async function rangesIfNew(
    topic: string,
    partitions: readonly number[],
    assignment: ReaderAssignment,
  ): Promise<LogRange[]> {
    if (partitions.every((partition) => assignment.committed(topic, partition) !== null)) return []
    try {
      return await kafka.logRanges(topic)
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      return []
    }
  }

  function reportGap({ topic, partition, position, low, high }: Omit<OffsetGap, 'generation'>): void {
    const lost =
      position > high ? `the log was recreated and ends at ${high}` : `records ${position} to ${low - 1} are gone`
    log.error(
      { topic, partition, position, low, high },
      `${placeOf(topic, partition)}: ${lost}; loading continues at ${low}`,
    )
    const stream = names.streamOf(topic)
    if (stream !== null) metrics.gaps.inc({ ...stream, partition })
  }

  function onGap(gap: OffsetGap): void {
    const { topic, partition } = gap
    const place = placeOf(topic, partition)
    const state = current?.states.get(place)
    // A gap of an earlier assignment says nothing about this one, which started elsewhere and finds its own gaps.
    if (current === null || current.generation !== gap.generation || state === undefined) return
    reportGap(gap)
    const after = afterGap(state, gap)
    current.states.set(place, after)
    // If no record follows the gap, no other batch would ever commit the new position.
    const part = restOf({ topic, partition, generation: gap.generation }, after)
    if (inFlightLimit.enter(topic, part.bytes)) push(part)
  }

  async function commit(commits: readonly PartitionCommit[], generation: number): Promise<void> {
    if (reader === null) throw new StaleGeneration('HR_KAFKA_STALE', 'the group was left')
    await reader.commit(commits, generation)
  }

  return { join, leave, commit, assigned: () => current, reader: () => reader }
}
