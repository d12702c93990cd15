/** When a failed attempt is repeated, and what ends the loop. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Attempted,
  type RetryLoop,
  retryLoop,
  waitBeforeRetryMs,
} from '../../../../services/fetcher/http/retry-after/retry-loop.ts'
import { virtualClock } from '../../../support/clocks.ts'

const drawing = (random: number) => virtualClock({ random: () => random })

describe('the wait before a retry', () => {
  for (const [failures, waitMaxMs, leastMs, mostMs] of [
    [1, 300_000, 1_000, 2_000],
    [2, 300_000, 2_000, 3_000],
    [3, 300_000, 4_000, 5_000],
    [9, 300_000, 256_000, 257_000],
    [10, 300_000, 299_000, 300_000],
    [60, 300_000, 299_000, 300_000],
    [1, 2_000, 1_000, 2_000],
    [2, 2_000, 1_000, 2_000],
    [1, 400, 0, 400],
    [5, 400, 0, 400],
  ] as const) {
    test(`after ${failures} failures, of at most ${waitMaxMs} ms each: from ${leastMs} to ${mostMs} ms`, () => {
      const waits = [0, 0.5, 1].map((random) => waitBeforeRetryMs(null, failures, waitMaxMs, drawing(random)))
      assert.deepEqual(waits, [leastMs, (leastMs + mostMs) / 2, mostMs])
    })
  }

  test('that the API named is never shortened, and longer by no more than a quarter of a second', () => {
    assert.deepEqual(
      [0, 0.5, 1].map((random) => waitBeforeRetryMs(7_000, 3, 1_000, drawing(random))),
      [7_000, 7_125, 7_250],
    )
  })
})

describe('the loop', () => {
  const failed = (failure: string, hintMs: number | null = null): Attempted<string, string> => ({ failure, hintMs })

  /** Runs it over these results, with no random part in the waits. */
  async function outcomeOf(results: readonly Attempted<string, string>[], given: Partial<RetryLoop<string, string>>) {
    const clock = virtualClock({ random: () => 0 })
    const left = [...results]
    const waits: unknown[] = []
    const loop: RetryLoop<string, string> = {
      clock,
      bounds: { attemptsMax: 3, waitMax: 60_000 },
      signal: new AbortController().signal,
      attempt: async () => left.shift() ?? assert.fail('one attempt more than expected'),
      onWait: (failure, { ms, isNamed }, attempt) => void waits.push([failure, ms, isNamed, attempt]),
      parked: (untilMs) => new Error(`parked for ${untilMs - clock.nowMs()} ms`),
      exhausted: (failure, attempts) => new Error(`${attempts} attempts: ${failure}`),
      ...given,
    }
    const ended = retryLoop(loop).catch((error: unknown) => String(error))
    await clock.runTo(1_000_000)
    return { ended: await ended, waits, left: left.length }
  }

  test('ends with the error of the last attempt that is allowed, without a wait after it', async () => {
    const { ended, waits } = await outcomeOf([failed('a'), failed('b'), failed('c')], {})
    assert.equal(ended, 'Error: 3 attempts: c')
    assert.deepEqual(waits, [
      ['a', 1_000, false, 1],
      ['b', 2_000, false, 2],
    ])
  })

  test('is parked by a wait above the bound, also at the last attempt, and waits as long as the bound', async () => {
    const results = [failed('a', 60_000), failed('b'), failed('c', 60_001)]
    const { ended, waits } = await outcomeOf(results, {})
    assert.equal(ended, 'Error: parked for 60001 ms')
    assert.deepEqual(waits, [
      ['a', 60_000, true, 1],
      ['b', 2_000, false, 2],
    ])
  })

  test('makes no further attempt after an abort during a wait', async () => {
    const stop = new AbortController()
    const results = [failed('a'), failed('b')]
    const onWait = () => stop.abort(new Error('stopped'))
    assert.deepEqual(await outcomeOf(results, { signal: stop.signal, onWait }), {
      ended: 'Error: stopped',
      waits: [],
      left: 1,
    })
  })

  test('passes on what an attempt throws, without another', async () => {
    const attempt = async () => assert.fail('refused')
    assert.match(String((await outcomeOf([], { attempt })).ended), /refused/)
  })

  test('resolves with the first value', async () => {
    const { ended, left } = await outcomeOf([failed('a'), { value: 'good' }, failed('b')], {})
    assert.deepEqual([ended, left], ['good', 1])
  })
})
