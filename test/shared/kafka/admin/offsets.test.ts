/** Lookups of several topics in one request, at a real broker: each gets its own answer, a missing topic as well. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench, completed, numbered } from '../helpers.ts'

test('offsets, commits, settings and copies of several topics at once are those of each topic', async (t) => {
  const { kafka, topic, group } = await bench(t, 2)
  const other = `${topic}.other`
  const missing = `${topic}.missing`
  await kafka.ensureTopic({ topic: other, partitions: 3, replicationFactor: 1, config: { 'retention.ms': '123456' } })
  const publisher = kafka.publisher(`${topic}-id`)
  t.after(() => publisher.close())
  await publisher.fence()
  const messages = numbered(4)
  await publisher.publish([{ topic: other, partition: 2, messages }], () => ({
    ...{ group, topic: other, partition: 2, offset: 4, metadata: 'here' },
  }))
  await completed(kafka, `${topic}-id`)
  await kafka.storeOffsets(`${group}-b`, topic, new Map([[1, { offset: 9, metadata: 'there' }]]))

  const topics = [topic, missing, other]
  const nothing = [null, null, null]
  const [ranges, first, second, settings, copies] = await Promise.all([
    Promise.all(topics.map((each) => kafka.logRanges(each))),
    Promise.all(topics.map((each) => kafka.committed(group, each))),
    Promise.all(topics.map((each) => kafka.committed(`${group}-b`, each))),
    Promise.all(topics.map((each) => kafka.topicSettings(each, ['retention.ms']))),
    Promise.all(topics.map((each) => kafka.replication(each))),
  ])
  assert.deepEqual(
    ranges.map((each) => each.map(({ low, high }) => `${low}-${high}`)),
    [['0-0', '0-0'], [], ['0-0', '0-0', '0-5']],
  )
  assert.deepEqual(first, [[null, null], [], [null, null, { offset: 4, metadata: 'here' }]])
  assert.deepEqual(second, [[null, { offset: 9, metadata: 'there' }], [], nothing])
  assert.deepEqual(
    settings.map((each) => each.get('retention.ms')),
    ['-1', undefined, '123456'],
  )
  assert.deepEqual(
    copies.map(({ partitions }) => partitions.length),
    [2, 0, 3],
  )
})
