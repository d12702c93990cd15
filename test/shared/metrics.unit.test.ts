/** Labels of metrics come from APIs, servers and messages: what they say steers no terminal and has an end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, LABEL_VALUES_MAX } from '#shared/metrics.ts'

const OF = { source: 'shop', stream: 'orders' }

test('a label of control characters is escaped in every kind of metric', async () => {
  const metrics = createMetrics()
  const hostile = 'a\u001b[31m\u009b\u202e\nb"c'
  metrics.drift.inc({ ...OF, path: hostile })
  metrics.parts.set({ table: hostile }, 1)
  metrics.insertSeconds.observe({ table: hostile }, 1)
  const text = await metrics.registry.metrics()
  assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  assert.match(
    text,
    /headrace_fetcher_drift_total\{source="shop",stream="orders",path="a\\\\u001b\[31m\\\\u009b\\\\u202e\\\\u000ab\\"c"\} 1/,
  )
  assert.match(text, /headrace_loader_parts\{table="a\\\\u001b/)
  assert.match(text, /headrace_loader_insert_seconds_count\{table="a\\\\u001b/)
})

test('names of 100,000 characters and values without end share one label beyond the bound, for each stream apart', async () => {
  const metrics = createMetrics()
  for (let at = 0; at < LABEL_VALUES_MAX + 50; at++) {
    metrics.drift.inc({ ...OF, path: `${at}${'x'.repeat(100_000)}` })
    metrics.rejected.inc({ ...OF, partition: 0, reason: `reason ${at}` })
    metrics.loaderDeadLetters.inc({ table: 'orders', reason: `reason ${at}` })
  }
  metrics.drift.inc({ ...OF, stream: 'refunds', path: 'other' }, 3)
  const { values } = await metrics.drift.get()
  assert.equal(values.length, LABEL_VALUES_MAX + 2)
  assert.equal(values.find(({ labels }) => labels.path === '(others)')?.value, 50)
  assert.equal(values.find(({ labels }) => labels.path === 'other')?.value, 3)
  assert.equal((await metrics.rejected.get()).values.length, LABEL_VALUES_MAX + 1)
  assert.equal((await metrics.loaderDeadLetters.get()).values.length, LABEL_VALUES_MAX + 1)
  assert.ok((await metrics.registry.metrics()).length < 500_000)
})
