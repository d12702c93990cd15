/**
 * The reader: batches with backpressure, positions kept by the package, commits by the caller. A position moves only
 * when the caller took the batch and the assignment is still the one that it was fetched for. There is no work per
 * message here.
 */
import type { EachBatchPayload } from 'kafkajs'
import { backoffMs } from '../../backoff.ts'
import { toOffset } from '../admin/offsets.ts'
import { askerOf, type Deps } from '../client/client.ts'
import { within } from '../client/deadline.ts'
import { explainFailure, isPassing, isStale } from '../client/map-errors.ts'
import { StaleGeneration } from '../errors.ts'
import { FetchedBatch } from '../kafkajs-patches/fetched-batch.ts'
import type { Assignment, Committed, Kafka, OffsetGap, Reader, ReaderOptions } from '../port.ts'
import { whileBeating } from './heartbeat.ts'
import { fatal, type GroupMember, HEARTBEAT_MS, joinGroup, type Session } from './member.ts'

const WAIT_MS = 250
const COMMIT_DEADLINE_MS = 30_000
/** With the waits between them, longer than Kafka takes to replace a broker that died. The deadline ends them too. */
const COMMIT_ATTEMPTS_MAX = 15
const COMMIT_BACKOFF = { firstMs: 20, maxMs: 2_000 }

type Commits = Parameters<Reader['commit']>[0]

export async function joinAsReader(options: ReaderOptions, committed: Kafka['committed'], deps: Deps): Promise<Reader> {
  const { clock } = deps
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS
  /** `topic/partition` of what is paused; a batch that was fetched before the pause is left for later. */
  const paused = new Set<string>()
  let lastCommit: Promise<unknown> = Promise.resolve()

  const member: GroupMember = await joinGroup(
    options,
    {
      maxWaitTimeInMs: options.maxWaitMs ?? WAIT_MS,
      ...(options.maxBytesPerPartition === undefined ? {} : { maxBytesPerPartition: options.maxBytesPerPartition }),
    },
    {
      assigned(consumer, partitions) {
        paused.clear()
        consumer.resume([...partitions].map(([topic, own]) => ({ topic, partitions: [...own] })))
      },
      open,
      revoke: async ({ generation }) => options.onRebalancing(generation),
      outOfRange(at, session) {
        const gap: OffsetGap = {
          topic: at.topic,
          partition: at.partition,
          generation: session.generation,
          position: toOffset(at.position),
          low: toOffset(at.low),
          high: toOffset(at.high),
        }
        session.opened = session.opened.then(() => options.onGap(gap))
        session.opened.catch((error) => member.fail(error))
      },
      eachBatch,
      onCrash: options.onCrash,
    },
    deps,
  )

  async function open(session: Session): Promise<void> {
    const stored = await readCommitted(session.partitions)
    if (session !== member.current()) return
    await options.onAssigned({
      generation: session.generation,
      partitions: session.partitions,
      committed: (topic, partition) => stored.get(topic)?.[partition] ?? null,
    })
  }

  async function readCommitted(partitions: Assignment): Promise<Map<string, (Committed | null)[]>> {
    const topics = [...partitions].filter(([, own]) => own.length > 0).map(([topic]) => topic)
    return new Map(
      await Promise.all(topics.map(async (topic) => [topic, await committed(options.group, topic)] as const)),
    )
  }

  async function eachBatch({ batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> {
    const session = member.current()
    if (session === null || session.revoked !== null || paused.has(keyOf(batch.topic, batch.partition))) return
    const lost = () => void member.revoke(session).catch((error) => member.fail(error))
    const taken = await whileBeating(clock, heartbeatMs / 2, heartbeat, lost, hand(batch, session))
    if (session !== member.current()) return
    if (taken) resolveOffset(batch.lastOffset())
    else pause(batch.topic, [batch.partition])
  }

  async function hand(batch: EachBatchPayload['batch'], session: Session): Promise<boolean> {
    const { topic, partition, messages } = batch
    const { generation } = session
    try {
      await session.opened
      if (session !== member.current()) return false
      if (isReleased(batch))
        throw new Error(`a batch of ${topic}/${partition} was handed over after its bytes were gone`)
      const nextOffset = toOffset(batch.lastOffset()) + 1
      const valueBytes = batch instanceof FetchedBatch ? { valueBytes: batch.valueBytes() } : {}
      const read = {
        topic,
        partition,
        generation,
        messages,
        ...valueBytes,
        nextOffset,
        highOffset: toOffset(endOfLogOf(batch)),
      }
      return (await options.onBatch(read)) === 'taken'
    } catch (error) {
      member.fail(error)
      throw fatal(error)
    }
  }

  /**
   * Commits run one after the other: an abandoned commit may still be in progress, and must not arrive after the next
   * one.
   */
  async function commit(commits: Commits, generation: number): Promise<void> {
    if (commits.length === 0) return
    const doing = `committing for ${options.group}`
    const givenUp = new AbortController()
    const turn = lastCommit.then(() => commitAgain(commits, generation, givenUp.signal))
    lastCommit = turn.catch(() => undefined)
    try {
      await within(clock, COMMIT_DEADLINE_MS, doing, turn)
    } catch (error) {
      givenUp.abort()
      throw isStale(error) ? staleGeneration(generation, error) : explainFailure(error, doing, askerOf(deps))
    }
  }

  /** Between the check of the generation and the request, the group cannot move on. */
  async function commitAgain(commits: Commits, generation: number, givenUp: AbortSignal): Promise<void> {
    const offsets = commits.map(({ topic, partition, offset, metadata }) => ({
      topic,
      partition,
      offset: String(offset),
      metadata,
    }))
    for (let attempt = 1; ; attempt++) {
      givenUp.throwIfAborted()
      if (member.current()?.generation !== generation) throw staleGeneration(generation)
      try {
        return await member.consumer.commitOffsets(offsets)
      } catch (error) {
        if (attempt >= COMMIT_ATTEMPTS_MAX || !isPassing(error)) throw error
        await clock.sleep(backoffMs({ ...COMMIT_BACKOFF, failures: attempt }))
      }
    }
  }

  function staleGeneration(generation: number, cause?: unknown): StaleGeneration {
    return new StaleGeneration('HR_KAFKA_STALE', `the assignment ${generation} of group ${options.group} has ended`, {
      cause,
    })
  }

  function pause(topic: string, partitions: readonly number[]): void {
    for (const partition of partitions) paused.add(keyOf(topic, partition))
    whenRunning(() => member.consumer.pause([{ topic, partitions: [...partitions] }]))
  }

  function resume(topic: string, partitions: readonly number[]): void {
    for (const partition of partitions) paused.delete(keyOf(topic, partition))
    whenRunning(() => member.consumer.resume([{ topic, partitions: [...partitions] }]))
  }

  return { commit, pause, resume, close: member.close }
}

/** The package's type does not know what our batch adds. */
function endOfLogOf(batch: EachBatchPayload['batch']): string {
  return batch instanceof FetchedBatch ? batch.endOfLog : batch.highWatermark
}

const isReleased = (batch: EachBatchPayload['batch']): boolean => batch instanceof FetchedBatch && batch.isReleased

/** The package throws while it starts again; the next assignment begins with nothing paused anyway. */
function whenRunning(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (error instanceof TypeError) throw error
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
