import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stopped, Unavailable, WrongUse } from '#shared/errors.ts'
import { AccessDenied } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { createPermission, DENIED_PAUSE, SETTLED_MS } from '#shared/until-permitted.ts'
import { virtualClock } from '../support/clocks.ts'

const denied = () => new AccessDenied('HR_KAFKA_ACL', 'User:l lacks Read on topic t')
const HOUR_MS = 3_600_000

test('a missing right is asked for again after pauses that grow to a bound, and not otherwise', async () => {
  const clock = virtualClock({ random: () => 1 })
  const permission = createPermission({ clock, log: silentLog })
  const signal = new AbortController()
  const atMs: number[] = []
  const running = permission.run(async () => {
    atMs.push(clock.elapsedMs())
    throw denied()
  }, signal.signal)
  await clock.runTo(HOUR_MS)
  const pauses = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0))
  assert.deepEqual(
    pauses.slice(0, 4),
    [1, 2, 4, 8].map((times) => times * DENIED_PAUSE.firstMs),
  )
  assert.ok(pauses.every((ms) => ms <= DENIED_PAUSE.maxMs))
  assert.equal(pauses.at(-1), DENIED_PAUSE.maxMs)
  assert.equal(permission.refusal(), 'User:l lacks Read on topic t')
  signal.abort()
  assert.equal(await running, null, 'a stop ends the pause')
})

test('the worker is refused until its work has lasted for a while', async () => {
  const clock = virtualClock({ random: () => 1 })
  const permission = createPermission({ clock, log: silentLog })
  const end = Promise.withResolvers<string>()
  const works = [() => Promise.reject(denied()), () => end.promise]
  assert.equal(permission.refusal(), null)
  const running = permission.run(
    () => (works.shift() ?? works[0] ?? (() => end.promise))(),
    new AbortController().signal,
  )
  await clock.runTo(DENIED_PAUSE.firstMs + SETTLED_MS - 1)
  assert.equal(permission.refusal(), 'User:l lacks Read on topic t')
  await clock.runTo(DENIED_PAUSE.firstMs + SETTLED_MS)
  assert.equal(permission.refusal(), null)
  end.resolve('done')
  assert.equal(await running, 'done')
})

test('Kafka or a registry that is away at the start is waited for, and ends work that has started', async () => {
  const clock = virtualClock({ random: () => 1 })
  const permission = createPermission({ clock, log: silentLog })
  const away = (code: string) => Promise.reject(new Unavailable(code, `${code} is away`))
  const end = Promise.withResolvers<never>()
  const works = [
    () => away('HR_KAFKA_UNREACHABLE'),
    () => away('HR_REGISTRY'),
    () => {
      permission.started()
      return end.promise
    },
  ]
  const running = permission.run(() => (works.shift() ?? (() => end.promise))(), new AbortController().signal)
  await clock.runTo(0)
  assert.equal(permission.refusal(), 'HR_KAFKA_UNREACHABLE is away')
  await clock.runTo(DENIED_PAUSE.firstMs)
  assert.equal(permission.refusal(), 'HR_REGISTRY is away')
  await clock.runTo(3 * DENIED_PAUSE.firstMs + SETTLED_MS)
  assert.equal(permission.refusal(), null)
  end.reject(new Unavailable('HR_KAFKA_UNREACHABLE', 'away later'))
  await assert.rejects(running, /away later/)
})

test('every other error ends the work', async () => {
  const permission = createPermission({ clock: virtualClock(), log: silentLog })
  const { signal } = new AbortController()
  for (const error of [
    new Stopped('HR_KAFKA_TOO_LARGE', 'a'),
    new WrongUse('HR_OPTION', 'b'),
    new Unavailable('HR_X', 'c'),
  ])
    await assert.rejects(
      permission.run(() => Promise.reject(error), signal),
      error,
    )
})
