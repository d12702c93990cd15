import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explainFailure } from '#shared/kafka/client/map-errors.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import '#shared/kafka/kafkajs-patches/load.ts'

type Connection = {
  authenticatedAt: unknown
  sessionLifetime: unknown
  reauthenticationThreshold: number
  isAuthenticated(): boolean
}
type Handshake = { parse(data: { errorCode: number; enabledMechanisms: string[] }): Promise<object> }

function session(lifeMs: number): Connection {
  const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }
  const Package = internal<new (options: object) => Connection>('network/connection.js')
  const Long = internal<{ fromValue(value: number): unknown }>('utils/long.js')
  const parts = { host: 'h', port: 1, logger: silent, socketFactory: () => undefined, connectionTimeout: 1 }
  const made = new Package({ ...parts, requestTimeout: 1 })
  made.authenticatedAt = process.hrtime()
  made.sessionLifetime = Long.fromValue(lifeMs)
  return made
}

describe('a session that the broker ends', () => {
  test('is valid right after a login, however short it is', () => {
    for (const lifeMs of [1_500, 5_000, 9_999, 3_600_000]) assert.ok(session(lifeMs).isAuthenticated(), `${lifeMs} ms`)
  })

  test('is renewed before its end: a tenth of it, and ten seconds at most', () => {
    for (const [lifeMs, beforeMs] of [
      [5_000, 500],
      [60_000, 6_000],
      [3_600_000, 10_000],
    ] as const) {
      const made = session(lifeMs)
      made.isAuthenticated()
      assert.equal(made.reauthenticationThreshold, beforeMs)
    }
    const [seconds, nanos] = process.hrtime()
    const late = session(5_000)
    late.authenticatedAt = [seconds - 5, nanos]
    assert.ok(!late.isAuthenticated())
  })

  test('does not end where the broker names no end', () => {
    const [seconds, nanos] = process.hrtime()
    const made = session(0)
    made.authenticatedAt = [seconds - 100_000, nanos]
    assert.ok(made.isAuthenticated())
  })
})

test('a mechanism that a listener does not have is answered with those that it has', async () => {
  for (const version of [0, 1]) {
    const { parse } = internal<Handshake>(`protocol/requests/saslHandshake/v${version}/response.js`)
    const enabledMechanisms = ['SCRAM-SHA-512', 'PLAIN']
    assert.deepEqual(await parse({ errorCode: 0, enabledMechanisms }), { errorCode: 0, enabledMechanisms })
    await assert.rejects(parse({ errorCode: 33, enabledMechanisms }), (error) => {
      const { code, message, hint } = explainFailure(error, 'connecting')
      assert.equal(code, 'HR_KAFKA_REFUSED')
      assert.match(message, /other mechanisms: SCRAM-SHA-512, PLAIN$/)
      assert.match(hint ?? '', /KAFKA_SASL_MECHANISM/)
      return true
    })
    await assert.rejects(parse({ errorCode: 34, enabledMechanisms }), { type: 'ILLEGAL_SASL_STATE' })
  }
})
