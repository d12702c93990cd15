/**
 * The exactly-once publisher, with a new client for each fence. After a failure the package continues with sequence
 * numbers that the broker may have seen already. The broker would then take new records for duplicates of old ones. So
 * every failure ends the client, and only a fence makes a new one.
 */
import type { Kafka as KafkajsClient, Producer, Transaction } from 'kafkajs'
import { backoffMs } from '../../backoff.ts'
import { type HeadraceError, messageOf, WrongUse } from '../../errors.ts'
import { askerOf, type Deps, endProducer, METADATA_AGE_MAX_MS, newClient } from '../client/client.ts'
import { settle, within } from '../client/deadline.ts'
import { explainFailure, isPassing } from '../client/map-errors.ts'
import { AccessDenied, FencedError, PublishFailed } from '../errors.ts'
import { RETRY } from '../kafkajs-patches/retry.ts'
import type { Append, Appended, Compression, OffsetCommit, Publisher, PublisherOptions } from '../port.ts'
import { appendTo } from './append.ts'

/** Below the transaction's own timeout: we must give up first, and then fence. */
export const PUBLISH_DEADLINE_MS = 45_000
export const TRANSACTION_TIMEOUT_MS = 60_000
const FENCE_DEADLINE_MS = 30_000
const FENCE_ATTEMPTS_MAX = 5
const ABORT_DEADLINE_MS = 3_000
const OFFSETS_ATTEMPTS_MAX = 12
const BACKOFF = { firstMs: RETRY.initialRetryTime, maxMs: RETRY.maxRetryTime }
const METADATA_BYTES_MAX = 4_096

export function createPublisher(transactionalId: string, options: PublisherOptions, deps: Deps): Publisher {
  const { clock, log } = deps
  const compression = options.compression ?? 'none'
  let producer: Producer | null = null
  let busy = false
  const idle = Promise.resolve()

  /** Fencing twice has the same effect as once, so a lost connection meanwhile costs no run. */
  async function fence(): Promise<void> {
    await drop(idle)
    const endMs = clock.elapsedMs() + FENCE_DEADLINE_MS
    for (let attempt = 1; producer === null; attempt++) {
      const fresh = newProducer(newClient(deps), transactionalId)
      const work = initProducerId(fresh)
      try {
        await within(clock, endMs - clock.elapsedMs(), `fencing ${transactionalId}`, work)
        producer = fresh
      } catch (error) {
        await endProducer(fresh, work, deps)
        const isOver = attempt >= FENCE_ATTEMPTS_MAX || clock.elapsedMs() >= endMs
        if (isOver || !isPassing(error)) throw explainFailure(error, `fencing ${transactionalId}`, askerOf(deps))
        await clock.sleep(backoffMs({ ...BACKOFF, failures: attempt + 1 }))
      }
    }
  }

  async function publish(
    appends: readonly Append[],
    checkpoint: (appended: readonly Appended[]) => OffsetCommit,
  ): Promise<readonly Appended[]> {
    const current = producer
    if (current === null || busy)
      throw new WrongUse(
        'HR_KAFKA_UNFENCED',
        `${transactionalId} may not publish ${busy ? 'twice at a time' : 'before it has fenced'}`,
      )
    busy = true
    let transaction: Transaction | null = null
    const work = current.transaction().then((begun) => {
      transaction = begun
      return publishIn(begun, appends, checkpoint, compression, deps)
    })
    try {
      return await within(clock, PUBLISH_DEADLINE_MS, `publishing as ${transactionalId}`, work)
    } catch (error) {
      await abort(transaction)
      await drop(work)
      throw publishFailure(error, transactionalId, deps)
    } finally {
      busy = false
    }
  }

  /** The fence aborts as well; this only spares readers the wait for it. */
  async function abort(transaction: Transaction | null): Promise<void> {
    if (!transaction?.isActive()) return
    await settle(clock, ABORT_DEADLINE_MS, transaction.abort(), (reason) =>
      log.debug({ transactionalId, reason }, 'an abort failed'),
    )
  }

  async function drop(pending: Promise<unknown>): Promise<void> {
    const old = producer
    producer = null
    if (old !== null) await endProducer(old, pending, deps)
  }

  return { fence, publish, close: () => drop(idle) }
}

function newProducer(client: KafkajsClient, transactionalId: string): Producer {
  return client.producer({
    transactionalId,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_AGE_MAX_MS,
    retry: RETRY,
    createPartitioner: () => () => {
      throw new TypeError('every message names its partition')
    },
  })
}

/**
 * The package requests the producer id when the first transaction begins; aborting an empty transaction costs no
 * request.
 */
async function initProducerId(producer: Producer): Promise<void> {
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.abort()
}

async function publishIn(
  transaction: Transaction,
  appends: readonly Append[],
  checkpoint: (appended: readonly Appended[]) => OffsetCommit,
  compression: Compression,
  deps: Deps,
): Promise<Appended[]> {
  const appended: Appended[] = []
  for (const append of appends) {
    const place = await appendTo((record) => transaction.send(record), append, compression)
    if (place !== null) appended.push(place)
  }
  await sendOffsets(transaction, checkpoint(appended), deps)
  await transaction.commit()
  return appended
}

/**
 * Sending the same offsets again changes nothing, so transient failures (the previous transaction is still closing) are
 * retried here.
 */
async function sendOffsets(
  transaction: Transaction,
  { group, topic, partition, offset, metadata }: OffsetCommit,
  { clock }: Deps,
): Promise<void> {
  const bytes = Buffer.byteLength(metadata)
  if (bytes > METADATA_BYTES_MAX)
    throw new WrongUse('HR_KAFKA_METADATA', `checkpoint metadata of ${bytes} bytes is over ${METADATA_BYTES_MAX}`)
  const offsets = {
    consumerGroupId: group,
    topics: [{ topic, partitions: [{ partition, offset: String(offset), metadata }] }],
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction.sendOffsets(offsets)
    } catch (error) {
      if (attempt >= OFFSETS_ATTEMPTS_MAX || !isPassing(error)) throw error
      await clock.sleep(backoffMs({ ...BACKOFF, failures: attempt }))
    }
  }
}

function publishFailure(error: unknown, transactionalId: string, deps: Deps): HeadraceError {
  const failure = explainFailure(error, `publishing as ${transactionalId}`, askerOf(deps))
  if (
    failure instanceof FencedError ||
    failure instanceof AccessDenied ||
    !(error instanceof Error) ||
    failure instanceof WrongUse
  )
    return failure
  if (
    failure.code === 'HR_KAFKA_TIMESTAMP' ||
    failure.code === 'HR_KAFKA_TOO_LARGE' ||
    failure.code === 'HR_KAFKA_REFUSED'
  )
    return failure
  return new PublishFailed('HR_KAFKA_PUBLISH', messageOf(failure), { hint: failure.hint, cause: error })
}
