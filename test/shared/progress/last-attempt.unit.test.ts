import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ATTEMPT_BYTES_MAX,
  attemptAfter,
  attemptText,
  type EndedAttempt,
  MESSAGE_CHARS_MAX,
  parkedUntil,
  parseAttempt,
} from '#shared/progress/last-attempt.ts'

const failed = (atMs: number, message = 'no'): EndedAttempt => ({
  outcome: 'failed',
  atMs,
  error: { code: 'HR_PAGE_REFUSED', message },
})
const done = (atMs: number): EndedAttempt => ({ outcome: 'done', atMs })

describe('the last attempt', () => {
  test('has been failing since the first failure after the last success, also through a pause, and no longer after a success', () => {
    const first = attemptAfter(attemptAfter(null, done(5)), failed(10))
    assert.deepEqual([first.failingSinceMs, first.failures, first.lastSuccessMs], [10, 1, 5])
    const parked = attemptAfter(attemptAfter(first, failed(20)), { outcome: 'parked', atMs: 30, parkedUntilMs: 99 })
    assert.deepEqual([parked.failingSinceMs, parked.failures, parked.lastSuccessMs], [10, 3, 5])
    const over = attemptAfter(parked, done(40))
    assert.deepEqual(
      [over.failingSinceMs, over.failures, over.lastSuccessMs, over.message, over.parkedUntilMs],
      [null, 0, 40, undefined, undefined],
    )
  })

  test('of a stream that never succeeded has no last success', () => {
    assert.deepEqual(
      [attemptAfter(null, failed(10)).lastSuccessMs, attemptAfter(null, failed(10)).failingSinceMs],
      [null, 10],
    )
  })

  for (const [what, text] of [
    ['a long one', 'x'.repeat(1_000_000)],
    ['control characters, six bytes each', '\u0001'.repeat(10_000)],
    ['half surrogate pairs', '\ud800'.repeat(10_000)],
    ['wide characters', '𝕏'.repeat(10_000)],
    ['many lines', 'a\nb\r\n\tc '.repeat(1_000)],
  ] as const) {
    test(`fits into offset metadata whatever the message is, on one line: ${what}`, () => {
      const attention = ['a', 'b', 'c', 'd'].map((kind) => ({ kind: kind as 'page_skipped', message: text }))
      const attempt = attemptAfter(null, {
        ...failed(1, text),
        attention,
        error: { code: text, message: text, hint: text },
      })
      const written = attemptText(attempt)
      assert.ok(Buffer.byteLength(written) <= ATTEMPT_BYTES_MAX, String(Buffer.byteLength(written)))
      const read = parseAttempt(written)
      assert.equal(read?.outcome, 'failed')
      assert.ok((read?.message?.length ?? 0) <= MESSAGE_CHARS_MAX)
      assert.equal(read?.message?.isWellFormed(), true)
      assert.doesNotMatch(read?.message ?? '', /[\n\r\t]/)
    })
  }

  test('of metadata that is not ours is none', () => {
    for (const text of ['', 'null', '{}', '{"v":2}', 'x']) assert.equal(parseAttempt(text), null)
  })

  test('keeps a pause until its time, unless a person released this very attempt', () => {
    const attempt = attemptAfter(null, { outcome: 'parked', atMs: 10, parkedUntilMs: 100 })
    assert.equal(parkedUntil(attempt, null, 50), 100)
    assert.equal(parkedUntil(attempt, { v: 1, attemptMs: 9, atMs: 60 }, 70), 100)
    assert.equal(parkedUntil(attempt, { v: 1, attemptMs: 10, atMs: 60 }, 70), null)
    assert.equal(parkedUntil(attempt, null, 100), null)
    assert.equal(parkedUntil(attemptAfter(attempt, failed(20)), null, 50), null)
    assert.equal(parkedUntil(null, null, 50), null)
  })
})
