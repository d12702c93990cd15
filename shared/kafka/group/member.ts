/**
 * One member of a group, from joining to leaving: what an owner and a reader have in common. A session is one
 * assignment. It opens when the group has assigned partitions; nothing is read before `open` has resolved. It is
 * revoked once when a rebalance begins, and nothing of it counts after that.
 */
import type { Consumer, ConsumerConfig, EachBatchPayload } from 'kafkajs'
import { backoffMs } from '../../backoff.ts'
import { messageOf } from '../../errors.ts'
import {
  askerOf,
  CLOSE_DEADLINE_MS,
  CONNECT_DEADLINE_MS,
  type Deps,
  METADATA_AGE_MAX_MS,
  newClient,
} from '../client/client.ts'
import { settle, within } from '../client/deadline.ts'
import { explainFailure } from '../client/map-errors.ts'
import type { GroupHooks } from '../kafkajs-patches/consumer-group.ts'
import type { TopicPartitions } from '../kafkajs-patches/internals.ts'
import { KafkaJSNonRetriableError } from '../kafkajs-patches/load.ts'
import { RETRY } from '../kafkajs-patches/retry.ts'
import type { Assignment, MembershipOptions, OwnerOptions } from '../port.ts'
import { createAssigner } from './assignment-protocol.ts'

export type Session = {
  generation: number
  partitions: Assignment
  /** Resolves when `open` has. */
  opened: Promise<void>
  revoked: Promise<void> | null
}

export type GroupMember = {
  consumer: Consumer
  /** Null while there is no valid assignment. */
  current(): Session | null
  /** Reports once that the session ends. */
  revoke(session: Session): Promise<void>
  /** Ends the membership for a reason that no retry solves. */
  fail(error: unknown): void
  close(): Promise<void>
}

export type MemberHandlers = {
  /** Synchronous, before the first fetch of the assignment. */
  assigned?(consumer: Consumer, partitions: Assignment): void
  open(session: Session): Promise<void>
  revoke(session: Session): Promise<void>
  outOfRange?(at: Parameters<GroupHooks['outOfRange']>[0], session: Session): void
  eachBatch?(payload: EachBatchPayload): Promise<void>
  onCrash(error: Error): void
}

/** For a join that completes after the member was closed: the package can leave only after it has joined. */
const LEAVE_AFTER_JOIN_MS = 1
/** How long a rebalance waits for work in progress; the group waits `REBALANCE_TIMEOUT_MS` for each member. */
export const REVOKE_WAIT_MAX_MS = 20_000
const REBALANCE_TIMEOUT_MS = 60_000
export const SESSION_TIMEOUT_MS = 30_000
export const HEARTBEAT_MS = 3_000
/** After the member has lost Kafka, until it starts again: the first pause and the longest. */
const RESTART_PAUSE = { firstMs: 20, maxMs: 5_000 } as const

type Tuning = Pick<ConsumerConfig, 'maxBytesPerPartition' | 'maxWaitTimeInMs'>

export async function joinGroup(
  options: MembershipOptions & Pick<OwnerOptions, 'claim' | 'work' | 'together'>,
  tuning: Tuning,
  handlers: MemberHandlers,
  deps: Deps,
): Promise<GroupMember> {
  const { clock } = deps
  const log = deps.log.child({ group: options.group })
  let session: Session | null = null
  let had: Assignment = new Map()
  let closed = false
  let crashed = false
  /** In a row, without an assignment in between. */
  let restarts = 0
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const hooks: GroupHooks = {
    async beforeJoin() {
      if (session !== null)
        await settle(clock, REVOKE_WAIT_MAX_MS, revoke(session), (reason) =>
          log.warn({ reason }, 'a rebalance did not wait'),
        )
      session = null
    },
    joined(assigned, generation) {
      if (closed || crashed) return void clock.sleep(LEAVE_AFTER_JOIN_MS).then(leave)
      restarts = 0
      const partitions = toAssignment(options.topics, assigned)
      had = partitions
      const opening: Session = { generation, partitions, opened: Promise.resolve(), revoked: null }
      session = opening
      handlers.assigned?.(consumer, partitions)
      opening.opened = handlers.open(opening)
      opening.opened.catch(fail)
    },
    outOfRange(at) {
      if (session !== null) handlers.outOfRange?.(at, session)
    },
  }

  const consumer = newClient(deps).consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    heartbeatInterval: options.heartbeatMs ?? HEARTBEAT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    metadataMaxAge: METADATA_AGE_MAX_MS,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      createAssigner(hooks, () => ({ had, claim: options.claim, work: options.work, together: options.together }), log),
    ],
    retry: { ...RETRY, restartOnFailure },
    ...tuning,
  })

  consumer.on('consumer.crash', ({ payload }) => {
    if (closed || crashed) return
    if (!payload.restart) return fail(payload.error)
    log.warn({ err: payload.error }, 'the group member lost Kafka and starts again')
    if (session !== null) revoke(session).catch(fail)
    session = null
  })

  /** The package would start again 5 ms later, however often that fails. */
  async function restartOnFailure(): Promise<boolean> {
    restarts += 1
    await clock.sleep(backoffMs({ ...RESTART_PAUSE, failures: restarts }), stopping.signal).catch(() => undefined)
    return !closed && !crashed
  }

  function revoke(ending: Session): Promise<void> {
    ending.revoked ??= ending.opened.then(
      () => handlers.revoke(ending),
      () => undefined,
    )
    return ending.revoked
  }

  function fail(error: unknown): void {
    if (closed || crashed) return
    crashed = true
    session = null
    stopping.abort()
    void leave()
    handlers.onCrash(explainFailure(error, `in group ${options.group}`, askerOf(deps)))
  }

  /**
   * Waits for a join in progress: leaving in the middle of it would keep the partitions from the others until the
   * session ends.
   */
  async function close(): Promise<void> {
    closed = true
    session = null
    stopping.abort()
    await settle(clock, CLOSE_DEADLINE_MS, running, () => undefined)
    await leave()
  }

  async function leave(): Promise<void> {
    const leaving = consumer.disconnect()
    wake(consumer)
    await settle(clock, CLOSE_DEADLINE_MS, leaving, (reason) => log.debug({ reason }, 'leaving the group failed'))
  }

  try {
    await within(clock, CONNECT_DEADLINE_MS, `joining group ${options.group}`, subscribe(consumer, options.topics))
  } catch (error) {
    await close()
    throw explainFailure(error, `joining group ${options.group}`, askerOf(deps))
  }
  running = consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: handlers.eachBatch ?? (async () => undefined),
  })
  running.catch(fail)

  return { consumer, current: () => session, revoke, fail, close }
}

async function subscribe(consumer: Consumer, topics: string[]): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
}

/** An error that the package must not retry as one of Kafka's. */
export function fatal(error: unknown): Error {
  return new KafkaJSNonRetriableError(messageOf(error))
}

function toAssignment(topics: readonly string[], assigned: readonly TopicPartitions[]): Assignment {
  const own = new Map(assigned.map(({ topic, partitions }) => [topic, [...partitions].sort((a, b) => a - b)]))
  return new Map([...topics].sort().map((topic) => [topic, own.get(topic) ?? []]))
}

/** A fetch that sleeps because everything is paused wakes up. */
function wake(consumer: Consumer): void {
  try {
    consumer.resume([])
  } catch {
    // Not running: nothing sleeps.
  }
}
