/**
 * A topic with records that wait for the loader, as a fetcher leaves it: one transaction per page, four partitions at
 * once. The fetcher's own publisher writes it. Closing deletes the topic.
 */
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { namesFor } from '#shared/names.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { type Place, type Published, publish } from '../test/support/published.ts'
import { rounded } from './numbers.ts'
import { orderOf, ordersStream } from './orders.ts'
import { type Bench, ownNames } from './place.ts'

export type FullTopic = { place: Place; published: Published; bytesPerRecord: number; close(): Promise<void> }

export const PARTITIONS = 4
const PAGE_RECORDS = 1000
const SAY_EVERY_PAGES = 1000

export async function fullTopic(bench: Bench, records: number): Promise<FullTopic> {
  const { prefix, env } = ownNames(bench)
  const config = readConfig(env)
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  const place: Place = {
    config,
    env,
    prefix,
    kafka,
    registry: connectRegistry(config.registry),
    names: namesFor(prefix),
  }
  const published = await publish(place, ordersStream(), PARTITIONS)
  const close = async () => {
    await published.close()
    await kafka.deleteTopic(published.topic)
    await kafka.close()
  }
  try {
    return { place, published, bytesPerRecord: rounded((await fill(published, bench, records)) / records), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Returns the bytes of all values. */
async function fill(published: Published, { say }: Bench, records: number): Promise<number> {
  const startMs = systemClock.elapsedMs()
  const pages = Math.ceil(records / PAGE_RECORDS)
  let bytes = 0
  let done = 0
  const fillPartition = async (partition: number) => {
    for (let page = partition; page < pages; page += PARTITIONS) {
      const first = page * PAGE_RECORDS
      const orders = Array.from({ length: Math.min(PAGE_RECORDS, records - first) }, (_, index) =>
        orderOf(first + index),
      )
      const payloads = orders.map((order) => JSON.stringify(order))
      bytes += payloads.reduce((sum, payload) => sum + payload.length, 0)
      await published.page({
        partition,
        records: [],
        payloads,
        marker: { watermark: orders.at(-1)?.updated_at ?? null },
      })
      if (++done % SAY_EVERY_PAGES === 0 && done < pages) say(`  ${done * PAGE_RECORDS} records published`)
    }
  }
  await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => fillPartition(partition)))
  say(`  topic filled: ${records} records in ${rounded((systemClock.elapsedMs() - startMs) / 1000, 1)} s`)
  return bytes
}
