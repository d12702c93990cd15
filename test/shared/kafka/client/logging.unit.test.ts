import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pino from 'pino'
import { type Clock, systemClock } from '#shared/clock.ts'
import { packageLevel, packageLog } from '#shared/kafka/client/logging.ts'
import { explainFailure, isPassing } from '#shared/kafka/client/map-errors.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import { logLevel } from '#shared/kafka/kafkajs-patches/load.ts'

type Entry = Parameters<ReturnType<ReturnType<typeof packageLog>>>[0]

function logged(ownLevel: pino.Level, clock: Clock = systemClock) {
  const lines: Record<string, unknown>[] = []
  const log = pino(
    { level: ownLevel, formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  const write = packageLog(log, clock)(logLevel.DEBUG)
  const say = (level: Entry['level'], namespace: string, message: string, extra: object = {}) =>
    write({ namespace, level, label: '', log: { timestamp: '', message, ...extra } })
  return { lines, log, say }
}

describe("the client package's log", () => {
  test('keeps retries below info', () => {
    const { lines, say } = logged('info')
    say(logLevel.ERROR, 'Producer', 'Failed to send messages: CONCURRENT_TRANSACTIONS', { retryCount: 1 })
    say(logLevel.WARN, 'Runner', 'The group is rebalancing, re-joining')
    say(logLevel.INFO, 'ConsumerGroup', 'Consumer has joined the group')
    say(logLevel.ERROR, 'Connection', 'Response Metadata(key: 3, version: 6)', { broker: 'b:1' })
    assert.deepEqual(lines, [])
  })

  test('warns of a broker that cannot be reached, not at every attempt', () => {
    let nowMs = 0
    const { lines, say } = logged('info', { ...systemClock, elapsedMs: () => nowMs })
    const fail = (broker: string) =>
      say(logLevel.ERROR, 'Connection', 'Connection error: connect ECONNREFUSED', { broker, stack: 'at …' })
    fail('a:1')
    fail('a:1')
    fail('b:1')
    nowMs = 20_000
    fail('a:1')
    assert.deepEqual(
      lines.map(({ level, broker }) => [level, broker]),
      [
        ['warn', 'a:1'],
        ['warn', 'b:1'],
        ['warn', 'a:1'],
      ],
    )
    assert.ok(lines.every((line) => !('stack' in line)))
  })

  test('is asked for its own debug lines at our trace level only', () => {
    assert.equal(packageLevel(logged('info').log), logLevel.ERROR)
    assert.equal(packageLevel(logged('debug').log), logLevel.INFO)
    assert.equal(packageLevel(logged('trace').log), logLevel.DEBUG)
  })
})

describe('failures', () => {
  const errors = internal<Record<string, new (...args: unknown[]) => Error>>('errors.js')
  const { createErrorFromCode } = internal<{ createErrorFromCode(code: number): Error }>('protocol/error.js')
  const retriesExceeded = (cause: Error) =>
    new errors.KafkaJSNumberOfRetriesExceeded!(cause, { retryCount: 5, retryTime: 1 })

  const cases: [name: string, error: Error, code: string][] = [
    ['a fence, by its old name', createErrorFromCode(47), 'HR_KAFKA_FENCED'],
    ['a fence, by its new name', createErrorFromCode(90), 'HR_KAFKA_FENCED'],
    ['a fence behind the limit of retries', retriesExceeded(createErrorFromCode(47)), 'HR_KAFKA_FENCED'],
    ['a record that is too large', createErrorFromCode(10), 'HR_KAFKA_TOO_LARGE'],
    ['a missing right', createErrorFromCode(29), 'HR_KAFKA_ACL'],
    [
      'a wrong password',
      new errors.KafkaJSSASLAuthenticationError!('SASL PLAIN authentication failed'),
      'HR_KAFKA_REFUSED',
    ],
    [
      'a certificate',
      new errors.KafkaJSConnectionError!('Connection error: self-signed certificate', { broker: 'b:1' }),
      'HR_KAFKA_TLS',
    ],
    [
      'a closed port',
      retriesExceeded(new errors.KafkaJSConnectionError!('Connection error: ECONNREFUSED', { broker: 'b:1' })),
      'HR_KAFKA_UNREACHABLE',
    ],
    ['anything else', new Error('odd'), 'HR_KAFKA_REQUEST'],
  ]
  for (const [name, error, code] of cases) {
    test(`${name} is ${code}`, () => assert.equal(explainFailure(error, 'doing').code, code))
  }

  test('name the broker', () => {
    const error = new errors.KafkaJSConnectionError!('Connection error: ECONNREFUSED', { broker: 'b:1' })
    assert.match(explainFailure(error, 'looking').message, /^looking: Kafka is not reachable \(b:1\)/)
  })

  test('pass by themselves or not', () => {
    assert.ok(isPassing(createErrorFromCode(51)), 'CONCURRENT_TRANSACTIONS')
    assert.ok(isPassing(new errors.KafkaJSConnectionClosedError!('Closed connection', {})))
    assert.ok(!isPassing(createErrorFromCode(47)), 'INVALID_PRODUCER_EPOCH')
    assert.ok(!isPassing(new TypeError('a bug')))
  })
})
