import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AccessDenied } from '#shared/kafka/kafka.ts'
import { namesFor } from '#shared/names.ts'
import { recordTopics, refuseIfHidden } from '#shared/record-topics.ts'

const names = namesFor('headrace')
const denied = () => Promise.reject(new AccessDenied('HR_KAFKA_ACL', 'lacks Read on topic'))

describe('the record topics that a user can see', () => {
  test('are listed without dead letters and foreign ones', async () => {
    const topics = async () => ['headrace.shop.b', 'foreign', 'headrace.shop.a', 'headrace.shop.a.dead-letters']
    assert.deepEqual(await recordTopics({ topics, partitions: denied }, names), ['headrace.shop.a', 'headrace.shop.b'])
  })

  test('are none when the user may see them and nothing was fetched', async () => {
    const asked: string[] = []
    const partitions = async (topic: string) => {
      asked.push(topic)
      return 0
    }
    assert.deepEqual(await recordTopics({ topics: async () => ['foreign'], partitions }, names), [])
    assert.ok(asked.every((topic) => topic.startsWith('headrace.')))
  })

  test('are a missing right when the user may see none of them', async () => {
    await assert.rejects(recordTopics({ topics: async () => [], partitions: denied }, names), AccessDenied)
  })

  test('a stream that is named is a missing right when its own topic is hidden', async () => {
    await assert.rejects(refuseIfHidden({ partitions: denied }, names, 'shop.orders'), AccessDenied)
    await refuseIfHidden({ partitions: async () => 0 }, names, 'shop.orders')
    await refuseIfHidden({ partitions: denied }, names, 'not a name')
  })
})
