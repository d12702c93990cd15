import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { namedIn, refusedTopics } from '#shared/kafka/kafkajs-patches/access.ts'

const REFUSED = 29
const WELL = 0

describe('the topics that an answer refuses', () => {
  const cases: [request: string, answer: object, topics: string[]][] = [
    [
      'metadata',
      {
        topicMetadata: [
          { topic: 'a', topicErrorCode: REFUSED, partitionMetadata: [] },
          { topic: 'b', topicErrorCode: WELL, partitionMetadata: [{ partitionErrorCode: WELL }] },
        ],
      },
      ['a'],
    ],
    [
      'produce and commits, by partition',
      { topics: [{ topicName: 'a', partitions: [{ partition: 3, errorCode: REFUSED }] }] },
      ['a'],
    ],
    [
      'listed offsets',
      {
        responses: [
          { topic: 'a', partitions: [{ errorCode: WELL }] },
          { topic: 'b', partitions: [{ errorCode: REFUSED }] },
        ],
      },
      ['b'],
    ],
    ['an answer about no topic', { errorCode: REFUSED }, []],
    ['bytes', { topic: 'a', messages: Buffer.from([29]) }, []],
  ]
  for (const [request, answer, topics] of cases) {
    test(request, () => assert.deepEqual([...refusedTopics(answer)], topics))
  }
})

describe('what a request asks for', () => {
  const cases: [request: string, argument: unknown, named: object][] = [
    ['metadata', ['a', 'b'], { topics: ['a', 'b'] }],
    ['createTopics', { topics: [{ topic: 'a' }] }, { topics: ['a'] }],
    ['createPartitions', { topicPartitions: [{ topic: 'a', count: 2 }] }, { topics: ['a'] }],
    ['describeConfigs', { resources: [{ type: 2, name: 'a' }] }, { topics: ['a'] }],
    ['produce', { topicData: [{ topic: 'a' }], transactionalId: 't' }, { topics: ['a'], transactionalId: 't' }],
    ['produce', { topicData: [{ topic: 'a' }], transactionalId: null }, { topics: ['a'] }],
    ['describeGroups', { groupIds: ['g'] }, { topics: [], group: 'g' }],
    ['findGroupCoordinator', { groupId: 'g', coordinatorType: 0 }, { topics: [], group: 'g' }],
    ['findGroupCoordinator', { groupId: 't', coordinatorType: 1 }, { topics: [], transactionalId: 't' }],
    ['initProducerId', {}, { topics: [] }],
    ['metadata', undefined, { topics: [] }],
  ]
  for (const [request, argument, named] of cases) {
    test(`${request} ${JSON.stringify(argument)}`, () =>
      assert.deepEqual(namedIn(request, argument), { request, ...named }))
  }
})
