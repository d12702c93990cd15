import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { type Failure, tableFailure } from '../../../services/loader/failures/classify-error.ts'
import {
  Abandoned,
  type RetryPolicy,
  untilDecided,
  WAIT_MAX_MS,
  waitMs,
} from '../../../services/loader/failures/retry.ts'

function retryPolicy(given: Partial<RetryPolicy> = {}): RetryPolicy & { holds: string[]; waits: number[] } {
  const holds: string[] = []
  const waits: number[] = []
  const clock = {
    ...systemClock,
    random: () => 1,
    sleep: async (ms: number, signal?: AbortSignal) => {
      waits.push(ms)
      signal?.throwIfAborted()
    },
  }
  const stalls = {
    hold: (what: string, { name }: { name: string }) => void holds.push(`${what} ${name}`),
    clear: () => void holds.push('clear'),
    reset: () => undefined,
    all: () => [],
  }
  return {
    holds,
    waits,
    clock,
    stalls,
    over: new AbortController().signal,
    stopping: new AbortController().signal,
    ...given,
  }
}

const failing =
  (...failures: (Failure | null)[]) =>
  async () =>
    failures.shift() ?? null
const ambiguous: Failure = { ...tableFailure('ECONNRESET', ''), kind: 'ambiguous' }

describe('patience', () => {
  test('doubles its waits up to the bound of the failure', async () => {
    const patient = retryPolicy()
    await untilDecided('t', patient, failing(...Array(10).fill(ambiguous)))
    assert.deepEqual(patient.waits.slice(0, 6), [200, 400, 800, 1_600, 3_200, 5_000])
    assert.equal(Math.max(...patient.waits), WAIT_MAX_MS.ambiguous)
    assert.equal(waitMs(1_000, WAIT_MAX_MS.table, 1), WAIT_MAX_MS.table)
    assert.equal(waitMs(0, WAIT_MAX_MS.table, 0), 100)
  })

  test('gives back what no repetition cures; a cut body is tried once more', async () => {
    const data: Failure = { ...ambiguous, kind: 'data' }
    const cut: Failure = { ...ambiguous, kind: 'cut' }
    assert.equal(await untilDecided('t', retryPolicy(), failing(ambiguous, data)), data)
    assert.equal(await untilDecided('t', retryPolicy(), failing(cut, cut)), cut)
    assert.equal(await untilDecided('t', retryPolicy(), failing(cut, null)), null)
  })

  test('ends with the assignment at once', async () => {
    await assert.rejects(untilDecided('t', retryPolicy({ over: AbortSignal.abort() }), failing(null)), Abandoned)
  })

  test('makes one more attempt when a stop comes while it waits, and none of its waits after that', async () => {
    const stopping = new AbortController()
    const patient = retryPolicy({ stopping: stopping.signal })
    let attempts = 0
    const attempt = async () => {
      attempts++
      if (attempts === 2) stopping.abort()
      return ambiguous
    }
    await assert.rejects(untilDecided('t', patient, attempt), Abandoned)
    assert.equal(attempts, 2)
    assert.equal(patient.waits.length, 1)
  })
})
