/**
 * The loader that one writes in an afternoon, to compare with: kafkajs, JSON.parse, `insert`, a commit of offsets now
 * and then. It keeps none of the promises. Arguments: topic, database, table, records; servers from the environment.
 * Prints the rows as JSON.
 */
import { createClient } from '@clickhouse/client'
import { Kafka, logLevel } from 'kafkajs'
import { environment } from '#shared/config/config.ts'
import { FRAME_HEAD_BYTES } from '#shared/messages/frame.ts'

const BATCH_ROWS = 100_000
const [topic = '', database = '', table = '', records = '0'] = process.argv.slice(2)

const kafka = new Kafka({
  clientId: 'plain',
  brokers: (environment.KAFKA_BROKERS ?? '').split(','),
  logLevel: logLevel.NOTHING,
})
const clickhouse = createClient({ url: environment.CLICKHOUSE_URL, database })
const consumer = kafka.consumer({ groupId: `plain-${table}-${process.pid}`, maxBytesPerPartition: 2 * 1024 * 1024 })
const done = Promise.withResolvers<void>()
let rows: unknown[] = []
let loaded = 0

async function flush(): Promise<void> {
  const values = rows
  rows = []
  if (values.length > 0) await clickhouse.insert({ table, values, format: 'JSONEachRow' })
  loaded += values.length
  if (loaded >= Number(records)) done.resolve()
}

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  eachBatch: async ({ batch, heartbeat }) => {
    for (const { value } of batch.messages)
      if (value !== null) rows.push(JSON.parse(value.subarray(FRAME_HEAD_BYTES).toString()))
    if (rows.length >= BATCH_ROWS || loaded + rows.length >= Number(records)) await flush()
    await heartbeat()
  },
})
await done.promise
await consumer.disconnect()
await clickhouse.close()
process.stdout.write(`${JSON.stringify({ rows: loaded })}\n`)
process.exit()
