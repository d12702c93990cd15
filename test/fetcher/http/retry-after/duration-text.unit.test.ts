import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationTextMs } from '../../../../services/fetcher/http/retry-after/duration-text.ts'

for (const [text, ms] of [
  ['8s', 8_000],
  ['1m30s', 90_000],
  ['6m0s', 360_000],
  ['250ms', 250],
  ['1.5 s', 1_500],
  ['1h 2m 3s', 3_723_000],
  ['1d', 86_400_000],
  ['8', null],
  ['', null],
  ['s', null],
  ['8 seconds', null],
  ['-8s', null],
  ['1m30', null],
  ['PT8S', null],
] as const) {
  test(`"${text}" is ${ms === null ? 'not a duration' : `${ms} ms`}`, () => assert.equal(durationTextMs(text), ms))
}
