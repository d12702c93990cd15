import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'
import type { LastAttempt } from '#shared/progress/last-attempt.ts'
import { removeAttemptGauges, setAttemptGauges } from '../../../services/fetcher/schedule/attempt-metrics.ts'
import { declareOrders } from '../declared.ts'

const owned = { stream: declareOrders(), partition: 3 }
const DONE: LastAttempt = {
  ...{ v: 1, outcome: 'done', atMs: 5_000, lastSuccessMs: 5_000, failingSinceMs: null, failures: 0 },
}

async function shown({ lastSuccess, failingSince, parkedUntil }: Metrics) {
  const values = await Promise.all(
    [lastSuccess, failingSince, parkedUntil].map(async (gauge) => (await gauge.get()).values),
  )
  return values.map(([first]) => first?.value)
}

for (const [what, last, expected] of [
  ['nothing before the first attempt', null, [undefined, undefined, undefined]],
  ['seconds, and 0 for what is not the case', DONE, [5, 0, 0]],
  [
    ...(['since when a partition fails, and no success if none is known'] as const),
    ...([{ ...DONE, outcome: 'failed', lastSuccessMs: null, failingSinceMs: 7_000 }, [undefined, 7, 0]] as const),
  ],
  [
    ...(['until when a partition is parked'] as const),
    ...([{ ...DONE, outcome: 'parked', failingSinceMs: 7_000, parkedUntilMs: 9_500 }, [5, 7, 9.5]] as const),
  ],
  [
    ...(['no pause that a later attempt has ended'] as const),
    ...([{ ...DONE, parkedUntilMs: 9_500 }, [5, 0, 0]] as const),
  ],
] as [string, LastAttempt | null, (number | undefined)[]][]) {
  test(`the gauges of the last attempt show ${what}`, async () => {
    const metrics = createMetrics()
    setAttemptGauges(metrics, { ...owned, last })
    assert.deepEqual(await shown(metrics), expected)
  })
}

test('the gauges of a partition carry its labels, and are gone when another worker owns it', async () => {
  const metrics = createMetrics()
  setAttemptGauges(metrics, { ...owned, last: DONE })
  const [value] = (await metrics.lastSuccess.get()).values
  assert.deepEqual(value?.labels, { source: 'shop', stream: 'orders', partition: '3' })
  removeAttemptGauges(metrics, { ...owned, last: DONE })
  assert.deepEqual(await shown(metrics), [undefined, undefined, undefined])
})
