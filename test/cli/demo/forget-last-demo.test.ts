/**
 * What the demo forgets of an earlier one, on real servers. Kafka drops the offsets of a deleted topic by itself, but
 * not while it loads the group's coordinator, as it does just after a start. It lists none of its groups until then.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { connectKafka, type Kafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { namesFor } from '#shared/names.ts'
import { forgetLastDemo, openWarehouse } from '../../../services/cli/demo/warehouse.ts'
import { KEPT, testStack, uniquePrefix } from '../../support/stack.ts'

const COMMIT = { offset: 7, metadata: 'of the last demo' }
const PARTITIONS = [0, 1]

test('no group has an offset of the last demo when its topics are deleted', async (t) => {
  const prefix = uniquePrefix()
  const config = readConfig((await testStack()).env({ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix }))
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  const warehouse = openWarehouse(config)
  t.after(async () => {
    await warehouse.run(`DROP DATABASE IF EXISTS ${prefix}`)
    await warehouse.close()
    await kafka.close()
  })
  const names = namesFor(prefix)
  const topic = names.records({ source: 'quakes', stream: 'earthquakes' })
  const topics = [topic, names.deadLetters(topic)]
  const groups = [names.fetcherGroup, names.loaderGroup, names.lettersLedgerGroup]
  for (const each of topics) {
    await kafka.ensureTopic({ topic: each, partitions: PARTITIONS.length, config: KEPT })
    for (const group of groups) {
      await kafka.storeOffsets(group, each, new Map(PARTITIONS.map((partition) => [partition, COMMIT])))
    }
  }

  const deleted: string[] = []
  const watched: Kafka = {
    ...kafka,
    groups: async () => [],
    async deleteTopic(each) {
      for (const group of groups) {
        const left = await kafka.committed(group, each)
        assert.deepEqual(left, Array(PARTITIONS.length).fill({ offset: 0, metadata: '' }), `${group} on ${each}`)
      }
      await kafka.deleteTopic(each)
      deleted.push(each)
    },
  }
  await forgetLastDemo(watched, warehouse, names, topic)
  assert.deepEqual(deleted, topics)
})
