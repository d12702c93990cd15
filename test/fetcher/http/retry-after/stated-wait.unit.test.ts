import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { waitsSpec } from '#shared/declaration/waits.ts'
import { statedWait } from '../../../../services/fetcher/http/retry-after/stated-wait.ts'

const NOW_MS = Date.UTC(2030, 0, 1)
const NOW_S = NOW_MS / 1000

function stated(wait: object | object[], given: { headers?: Record<string, string>; body?: unknown }) {
  const notes: string[] = []
  const waits = waitsSpec.parse([wait].flat())
  const ms = statedWait(waits, { headers: {}, body: null, ...given }, NOW_MS, (note) => notes.push(note))
  return { ms, notes }
}

describe('a wait in a header', () => {
  for (const [name, wait, text, ms] of [
    ['in seconds', {}, '8', 8_000],
    ['with a fraction', {}, '0.5', 500],
    ['in milliseconds', { unit: 'ms' }, '8000', 8_000],
    ['in so many milliseconds that they look like a time', { as: 'delta', unit: 'ms' }, '1800000000', 1_800_000_000],
    ['as a time in seconds', {}, String(NOW_S + 8), 8_000],
    ['as a time in milliseconds', {}, String(NOW_MS + 8), 8],
    ['as a declared time in seconds', { as: 'epoch', unit: 's' }, String(NOW_S + 8), 8_000],
    ['as a declared time in milliseconds', { as: 'epoch', unit: 'ms' }, String(NOW_MS + 8), 8],
    ['as a declared time of unknown unit', { as: 'epoch' }, String(NOW_MS + 8), 8],
    ['as a duration', {}, '1m30s', 90_000],
    ['as a duration in spite of a unit', { as: 'delta', unit: 's' }, '6m0s', 360_000],
    ['as a date with T', {}, '2030-01-01T00:00:08Z', 8_000],
    ['as a date with a blank', {}, '2030-01-01 00:00:08', 8_000],
    ['as a date with a blank and an offset', {}, '2030-01-01 01:00:08+01:00', 8_000],
    ['as a date with a blank and its zone', {}, '2030-01-01 00:00:08 UTC', 8_000],
    ['as an HTTP date', {}, 'Tue, 01 Jan 2030 00:00:08 GMT', 8_000],
    ['that is repeated', {}, '3, 8', 8_000],
  ] as const) {
    test(`${name} is understood: ${text}`, () => {
      assert.deepEqual(stated({ header: 'X-Retry-In', ...wait }, { headers: { 'x-retry-in': text } }), {
        ms,
        notes: [],
      })
    })
  }

  for (const [name, wait, text] of [
    ['words', {}, 'soon'],
    ['a date where a delta is declared', { as: 'delta' }, '2030-01-01T00:00:08Z'],
    ['a duration where a time is declared', { as: 'epoch' }, '8s'],
    ['more than a month', { as: 'delta', unit: 's' }, '9999999'],
    ['a list with a word', {}, '3, soon'],
  ] as const) {
    test(`that is ${name} is none, and is noted: ${text}`, () => {
      const { ms, notes } = stated({ header: 'x-retry-in', ...wait }, { headers: { 'x-retry-in': text } })
      assert.equal(ms, null)
      assert.match(notes.join(), /^answers\.waits: the header x-retry-in has no wait.*; the usual rules apply$/)
    })
  }

  test('that is over, or missing, is none without a note', () => {
    for (const text of ['0', '-5', '', String(NOW_S - 8)])
      assert.deepEqual(stated({ header: 'a', as: text.length > 5 ? 'epoch' : 'delta' }, { headers: { a: text } }), {
        ms: null,
        notes: [],
      })
    assert.deepEqual(stated({ header: 'a' }, {}), { ms: null, notes: [] })
  })

  test('is compared with the Date of the server', () => {
    const headers = { date: 'Tue, 01 Jan 2030 00:10:00 GMT', a: String(NOW_S + 608) }
    assert.equal(stated({ header: 'a' }, { headers }).ms, 8_000)
  })
})

describe('a wait in the body', () => {
  test('is a number or a text', () => {
    assert.equal(stated({ body: '/error/retry_after' }, { body: { error: { retry_after: 8 } } }).ms, 8_000)
    assert.equal(stated({ body: '/wait', unit: 'ms' }, { body: { wait: '8' } }).ms, 8)
  })

  test('that is neither is noted; a body without it, or that is a text, has none', () => {
    const { ms, notes } = stated({ body: '/wait', as: 'delta', unit: 's' }, { body: { wait: {} } })
    assert.deepEqual(
      [ms, notes],
      [null, ['answers.waits: the body at "/wait" has no wait (delta, s); the usual rules apply']],
    )
    for (const body of ['slow down', null, {}, { wait: null }])
      assert.deepEqual(stated({ body: '/wait' }, { body }), { ms: null, notes: [] })
  })
})

test('the longest of several wins, whatever else is wrong', () => {
  const { ms, notes } = stated([{ header: 'a' }, { body: '/b' }, { header: 'c' }], {
    ...{ headers: { a: '3', c: 'x' }, body: { b: 8 } },
  })
  assert.deepEqual([ms, notes.length], [8_000, 1])
})
