import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unavailable } from '#shared/errors.ts'
import { createHealth, PROBE_EVERY_MS, UNREADY_AFTER_MS, watchServers } from '#shared/health.ts'
import { virtualClock } from '../support/clocks.ts'

test('a server that has not answered yet is a reason from the start, with what it says', async () => {
  const clock = virtualClock()
  const ending = new AbortController()
  const refused = new Unavailable('HR_REGISTRY_REFUSED', '401')
  const away = new Unavailable('HR_KAFKA_UNREACHABLE', 'not reachable')
  let answers: Record<string, () => Promise<unknown>> = { Kafka: () => Promise.reject(away), registry: async () => [] }
  const probes = ['Kafka', 'registry'].map((name) => ({ name, ask: () => answers[name]?.() ?? Promise.resolve() }))
  const refusal = watchServers(probes, clock, ending.signal)
  assert.equal(refusal(), 'Kafka has not answered yet')
  await clock.runTo(0)
  assert.equal(refusal(), 'Kafka has not answered yet: not reachable')
  answers = { Kafka: async () => [], registry: () => Promise.reject(refused) }
  await clock.runTo(PROBE_EVERY_MS)
  assert.equal(refusal(), 'registry does not accept this worker: 401')
  answers = {}
  await clock.runTo(2 * PROBE_EVERY_MS)
  assert.equal(refusal(), null)
  ending.abort()
})

test('a server that refuses this worker is a reason at once, and none when it accepts it again', async () => {
  const clock = virtualClock()
  const ending = new AbortController()
  let answer: () => Promise<unknown> = async () => undefined
  const refusal = watchServers([{ name: 'Kafka', ask: () => answer() }], clock, ending.signal)
  let nowMs = 0
  const pass = (ms: number) => {
    nowMs += ms
    return clock.runTo(nowMs)
  }
  await pass(PROBE_EVERY_MS)
  assert.equal(refusal(), null)
  answer = () => Promise.reject(new Unavailable('HR_KAFKA_REFUSED', 'Kafka refuses'))
  await pass(PROBE_EVERY_MS)
  assert.equal(refusal(), 'Kafka does not accept this worker: Kafka refuses')
  answer = async () => undefined
  await pass(PROBE_EVERY_MS)
  assert.equal(refusal(), null)

  answer = () => Promise.reject(new Unavailable('HR_KAFKA_UNREACHABLE', 'not reachable'))
  await pass(UNREADY_AFTER_MS)
  assert.equal(refusal(), null, 'what passes by itself does not count')
  await pass(2 * PROBE_EVERY_MS)
  assert.equal(refusal(), 'Kafka has not answered for 40 s: not reachable')
  ending.abort()
})

test('readiness: what fails stands in the body; only a refusal, the start and a stop make it 503', () => {
  const health = createHealth()
  assert.deepEqual(health.readiness(), { ready: false, reason: 'starting' })
  let refusal: string | null = 'a right is missing'
  health.show(() => ({ refusal, body: {} }))
  assert.deepEqual(health.readiness(), { ready: false, reason: 'a right is missing' }, 'the start waits for it')
  refusal = null
  health.ready()
  assert.deepEqual(health.readiness(), { ready: true })
  health.show(() => ({ refusal, body: { failing: ['shop.orders/0'] } }))
  assert.deepEqual(health.readiness(), { ready: true, failing: ['shop.orders/0'] })
  refusal = 'Kafka refuses'
  assert.deepEqual(health.readiness(), { ready: false, reason: 'Kafka refuses', failing: ['shop.orders/0'] })
  refusal = null
  health.stop('stopping')
  health.ready()
  assert.deepEqual(health.readiness(), { ready: false, reason: 'stopping', failing: ['shop.orders/0'] })
})
