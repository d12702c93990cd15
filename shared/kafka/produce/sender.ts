/**
 * The plain sender: at least once, acknowledged by all in-sync replicas. It appends one after the other, and uses a new
 * client after a failure. The package would otherwise reuse the sequence numbers of what failed for what comes next.
 * The broker would then drop that as a duplicate.
 */
import type { Producer } from 'kafkajs'
import { WrongUse } from '../../errors.ts'
import { askerOf, type Deps, endProducer, METADATA_AGE_MAX_MS, newClient } from '../client/client.ts'
import { within } from '../client/deadline.ts'
import { explainFailure } from '../client/map-errors.ts'
import { RETRY } from '../kafkajs-patches/retry.ts'
import type { Append, Appended, Sender, SenderOptions } from '../port.ts'
import { appendTo } from './append.ts'

export const SEND_DEADLINE_MS = 30_000

export function createSender(options: SenderOptions, deps: Deps): Sender {
  const { clock } = deps
  let producer: Producer | null = null
  let last: Promise<unknown> = Promise.resolve()
  let closed = false

  function send(append: Append): Promise<Appended> {
    const turn = last.then(() => sendNow(append))
    last = turn.catch(() => undefined)
    return turn
  }

  async function sendNow(append: Append): Promise<Appended> {
    const doing = `appending to ${append.topic}/${append.partition}`
    if (closed) throw new WrongUse('HR_KAFKA_CLOSED', `${doing}: the sender is closed`)
    const work = connectAndSend(append)
    try {
      const place = await within(clock, SEND_DEADLINE_MS, doing, work)
      if (place === null) throw new WrongUse('HR_KAFKA_EMPTY', `${doing}: there are no messages`)
      return place
    } catch (error) {
      await drop(work)
      throw explainFailure(error, doing, askerOf(deps))
    }
  }

  async function connectAndSend(append: Append): Promise<Appended | null> {
    producer ??= newClient(deps).producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_AGE_MAX_MS,
      retry: RETRY,
      createPartitioner: () => () => append.partition,
    })
    const current = producer
    await current.connect()
    return appendTo((record) => current.send(record), append, options.compression ?? 'none')
  }

  async function drop(pending: Promise<unknown>): Promise<void> {
    const old = producer
    producer = null
    if (old !== null) await endProducer(old, pending, deps)
  }

  async function close(): Promise<void> {
    closed = true
    await last
    await drop(last)
  }

  return { send, close }
}
