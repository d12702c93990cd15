import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import type { LastAttempt } from '#shared/progress/last-attempt.ts'
import { Parked } from '../../../services/fetcher/http/errors.ts'
import {
  type AttemptState,
  endedAttempt,
  failingOf,
  isSameSuccess,
  parkedTogether,
} from '../../../services/fetcher/schedule/attempt-state.ts'
import { declareShop, streamOf } from '../declared.ts'

const redact = (text: string) => text.replaceAll('s3cret', '***')
const attention = [{ kind: 'watermark_held', message: 'look' }] as const
const last = (facts: Partial<LastAttempt> = {}): LastAttempt => ({
  ...{ v: 1, outcome: 'done', atMs: 5, lastSuccessMs: 5, failingSinceMs: null, failures: 0 },
  ...facts,
})

describe('how a run ended', () => {
  test('is not an attempt if it was stopped', () => {
    assert.equal(endedAttempt({ outcome: 'stopped' }, 5, redact), null)
  })

  test('keeps code, message and hint of an error, without secrets', () => {
    const error = new Stopped('HR_CODE', 'with s3cret', { hint: 'replace s3cret' })
    assert.deepEqual(endedAttempt({ outcome: 'failed', error }, 5, redact), {
      ...{ outcome: 'failed', atMs: 5 },
      error: { code: 'HR_CODE', message: 'with ***', hint: 'replace ***' },
    })
    const bare = endedAttempt({ outcome: 'failed', error: new Stopped('HR_CODE', 'why') }, 5, redact)
    assert.deepEqual(bare?.error, { code: 'HR_CODE', message: 'why' })
  })

  test('calls an unexpected error a defect, and keeps no error of a skipped page', () => {
    const defect = endedAttempt({ outcome: 'failed', error: new TypeError('s3cret') }, 5, redact)
    assert.deepEqual(defect?.error, { code: 'HR_DEFECT', message: '***' })
    const skipped = endedAttempt({ outcome: 'skipped', error: new Error('page') }, 5, redact)
    assert.deepEqual(skipped, { outcome: 'skipped', atMs: 5 })
  })

  test('keeps the end of a pause, and whether it is of the whole source', () => {
    for (const wholeSource of [true, false]) {
      const error = new Parked(900, 'wait', wholeSource)
      const ended = endedAttempt({ outcome: 'parked', error, parkedUntilMs: 900 }, 5, redact)
      assert.deepEqual([ended?.parkedUntilMs, ended?.wholeSource], [900, wholeSource ? true : undefined])
    }
  })

  test('keeps what a person should check', () => {
    assert.deepEqual(endedAttempt({ outcome: 'done', attention }, 5, redact), { outcome: 'done', atMs: 5, attention })
  })
})

test('two attempts are the same success only if both are done and neither needs a person', () => {
  const noted = last({ attention: [...attention] })
  const failed = last({ outcome: 'failed' })
  assert.equal(isSameSuccess(last(), last({ atMs: 9 })), true)
  for (const [before, next] of [
    [null, last()],
    [failed, last()],
    [last(), failed],
    [noted, last()],
    [last(), noted],
  ] as const)
    assert.equal(isSameSuccess(before, next), false)
})

test('a failing partition is shown with its error; one that is not failing is not shown', () => {
  assert.deepEqual(failingOf('shop.orders/0', last()), [])
  const failing = { ...last({ outcome: 'failed', failingSinceMs: 0, failures: 3 }) }
  const shown = { partition: 'shop.orders/0', outcome: 'failed', failingSince: '1970-01-01T00:00:00.000Z', failures: 3 }
  assert.deepEqual(failingOf('shop.orders/0', failing), [shown])
  assert.deepEqual(failingOf('shop.orders/0', { ...failing, code: 'HR_CODE', message: 'why' }), [
    { ...shown, code: 'HR_CODE', message: 'why' },
  ])
})

describe('a pause', () => {
  const [shop, other] = [streamOf(declareShop()), streamOf(declareShop())]
  const state = (partition: number, stream = shop, wholeSource?: true): AttemptState => ({
    ...{ stream, partition, topic: 't', release: null, writtenMs: 0, hasTopic: true, refusal: null },
    last: last(wholeSource ? { wholeSource } : {}),
  })

  test('of the whole source parks all partitions of that source that have met it', () => {
    const [first, second] = [state(0, shop, true), state(1, shop, true)]
    const all = [first, second, state(2, shop), state(0, other, true)]
    assert.deepEqual(parkedTogether(first, all), [first, second])
  })

  test('of some paths parks its own partition alone, also before any attempt', () => {
    const own = state(0)
    assert.deepEqual(parkedTogether(own, [own, state(1, shop, true)]), [own])
    const unknown = { ...own, last: null }
    assert.deepEqual(parkedTogether(unknown, [unknown, state(1, shop, true)]), [unknown])
  })
})
