import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Asker } from '#shared/kafka/client/access.ts'
import { explainFailure, isDenied, isPassing } from '#shared/kafka/client/map-errors.ts'
import { AccessDenied } from '#shared/kafka/errors.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import { leastRights, type Role } from '#shared/kafka/rights.ts'

type PackageError = Error & { refused?: unknown }
const errors = internal<Record<string, new (...args: unknown[]) => PackageError>>('errors.js')
const { createErrorFromCode } = internal<{ createErrorFromCode(code: number): PackageError }>('protocol/error.js')
const [TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, EXISTS] = [29, 30, 31, 53, 36]

const sasl = { mechanism: 'plain', username: 'ada', password: 'secret' } as const
const asks = (role: Role): Asker => ({ brokers: ['a:9092', 'b:9092'], sasl, rights: leastRights(role, 'headrace') })

function denied(code: number, refused: object): PackageError {
  return Object.assign(createErrorFromCode(code), { refused })
}

function told(error: unknown, asker?: Asker): { message: string; hint: string } {
  const failure = explainFailure(error, 'working', asker)
  assert.ok(failure instanceof AccessDenied, failure.message)
  assert.equal(failure.code, 'HR_KAFKA_ACL')
  return { message: failure.message, hint: failure.hint ?? '' }
}

describe('a missing right becomes user, operation, resource and the command that grants it', () => {
  const orders = 'headrace.shop.orders'
  const cases: [what: string, role: Role, code: number, refused: object, message: RegExp, command: RegExp][] = [
    [
      'publishing records',
      ...(['fetcher', TOPIC, { request: 'produce', topics: [orders] }] as const),
      /^working: User:ada lacks Write on topic headrace\.shop\.orders \(TOPIC_AUTHORIZATION_FAILED\)$/,
      /--operation Write --topic headrace\. --resource-pattern-type prefixed$/,
    ],
    [
      'making a topic',
      ...(['fetcher', TOPIC, { request: 'createTopics', topics: [orders] }] as const),
      /lacks Create on topic/,
      /--operation Create --topic headrace\. --resource-pattern-type prefixed$/,
    ],
    [
      'adding partitions',
      ...(['fetcher', TOPIC, { request: 'createPartitions', topics: [orders] }] as const),
      /lacks Alter on topic/,
      /--operation Alter --topic headrace\. /,
    ],
    [
      'reading records',
      ...(['loader', TOPIC, { request: 'fetch', topics: [orders] }] as const),
      /lacks Read on topic/,
      /--operation Read --topic headrace\. /,
    ],
    [
      'seeing a topic: all that the loader needs there',
      ...(['loader', TOPIC, { request: 'metadata', topics: [orders] }] as const),
      /lacks Read, Write on topic/,
      /--operation Read --operation Write --topic headrace\. /,
    ],
    [
      "a group's coordinator, for a member of it",
      ...(['loader', GROUP, { request: 'findGroupCoordinator', topics: [], group: 'headrace.loader' }] as const),
      /lacks Read on group headrace\.loader/,
      /--operation Read --group headrace\.loader$/,
    ],
    [
      "a group's commits, for one who only looks at them",
      ...(['fetcher', GROUP, { request: 'offsetFetch', topics: [orders], group: 'headrace.loader' }] as const),
      /lacks Describe on group headrace\.loader/,
      /--operation Describe --group headrace\.loader$/,
    ],
    [
      'the checkpoints of a backfill',
      ...(['fetcher', GROUP, { request: 'addOffsetsToTxn', topics: [], group: 'headrace.backfill.x' }] as const),
      /lacks Read on group headrace\.backfill\.x/,
      /--operation Read --group headrace\.backfill\. --resource-pattern-type prefixed$/,
    ],
    [
      'a transactional id',
      ...([
        'fetcher',
        TRANSACTIONAL_ID,
        { request: 'findGroupCoordinator', topics: [], transactionalId: `${orders}-0` },
      ] as const),
      /lacks Write on transactional id headrace\.shop\.orders-0/,
      /--operation Write --transactional-id headrace\. --resource-pattern-type prefixed$/,
    ],
    [
      'a producer without transactions: any topic that may be written to lets it begin',
      ...(['loader', CLUSTER, { request: 'initProducerId', topics: [] }] as const),
      /lacks Write on topic headrace\. \(CLUSTER_AUTHORIZATION_FAILED\)/,
      /--operation Write --topic headrace\. --resource-pattern-type prefixed$/,
    ],
  ]
  for (const [what, role, code, refused, message, command] of cases) {
    test(what, () => {
      const { message: said, hint } = told(denied(code, refused), asks(role))
      assert.match(said, message)
      assert.match(hint, /^grant it: kafka-acls --bootstrap-server a:9092,b:9092 --add --allow-principal User:ada /)
      assert.match(hint, command)
      assert.ok(!hint.includes('secret'))
    })
  }

  test('behind retries, and among several topics of which others are well', () => {
    const refused = denied(TOPIC, { request: 'createTopics', topics: ['headrace.shop.b'] })
    const exists = new errors.KafkaJSCreateTopicError!(createErrorFromCode(EXISTS), 'headrace.shop.a')
    const several = new errors.KafkaJSAggregateError!('Topic creation errors', [exists, refused])
    assert.match(told(several, asks('fetcher')).message, /lacks Create on topic headrace\.shop\.b/)
    const retried = new errors.KafkaJSNonRetriableError!(refused, { cause: refused })
    assert.match(told(retried, asks('fetcher')).message, /headrace\.shop\.b/)
    assert.ok(isDenied(several))
    assert.ok(!isPassing(several))
  })

  test('of the records of one partition', () => {
    const partitions = [{ partition: 0, error: denied(TOPIC, { request: 'deleteRecords', topics: [orders] }) }]
    const error = new errors.KafkaJSDeleteTopicRecordsError!({ partitions })
    assert.match(told(error, asks('operator')).message, /lacks Delete on topic headrace\.shop\.orders/)
  })

  test('with placeholders where neither the login nor the answer tells', () => {
    const { message, hint } = told(createErrorFromCode(TOPIC))
    assert.equal(
      message,
      'working: this user lacks Describe on topic (Kafka does not say which) (TOPIC_AUTHORIZATION_FAILED)',
    )
    assert.match(hint, /--bootstrap-server BROKER --add --allow-principal User:NAME --operation Describe --topic NAME$/)
  })

  test('of the cluster, for a process of which nothing is known', () => {
    const { message, hint } = told(denied(CLUSTER, { request: 'initProducerId', topics: [] }))
    assert.match(message, /lacks IdempotentWrite on cluster kafka-cluster/)
    assert.match(hint, /--operation IdempotentWrite --cluster$/)
  })

  test('with a literal resource for what the process does not need by itself', () => {
    const { hint } = told(denied(TOPIC, { request: 'metadata', topics: ['foreign'] }), asks('loader'))
    assert.match(hint, /--operation Describe --topic foreign$/)
  })
})

test('of several topics that cannot be made, the reason is in the message', () => {
  const INVALID_REPLICATION_FACTOR = 38
  const each = new errors.KafkaJSCreateTopicError!(createErrorFromCode(INVALID_REPLICATION_FACTOR), 't')
  const failure = explainFailure(new errors.KafkaJSAggregateError!('Topic creation errors', [each]), 'making topic t')
  assert.equal(failure.code, 'HR_KAFKA_REQUEST')
  assert.match(failure.message, /^making topic t: .*\(INVALID_REPLICATION_FACTOR\)$/)
})
