/**
 * Labels of metrics come from APIs, servers and messages: they control no terminal and are bounded. The help of each
 * metric says what to do.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LABEL_VALUES_MAX } from '#shared/metrics/label-guard.ts'
import { createMetrics, metricRows } from '#shared/metrics/metrics.ts'

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
    /_drift_total\{source="shop",stream="orders",path="a\\\\u001b\[31m\\\\u009b\\\\u202e\\\\u000ab\\"c"\} 1/,
  )
  assert.match(text, /headrace_loader_parts\{table="a\\\\u001b/)
  assert.match(text, /headrace_loader_insert_seconds_count\{table="a\\\\u001b/)
})

test('long names and unlimited values share one label beyond the bound, for each stream apart', async () => {
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

test('the help of every metric says what it counts, when it rises and what to do then, in three short sentences', async () => {
  const rows = metricRows()
  const registered = (await createMetrics().registry.getMetricsAsJSON()).filter(({ name }) =>
    name.startsWith('headrace_'),
  )
  assert.deepEqual(
    registered.map(({ name, help, type }) => ({ name, help, type: String(type) })),
    rows.map(({ name, type, counts, rises, remedy }) => ({ name, help: `${counts} ${rises} ${remedy}`, type })),
  )
  assert.ok(rows.length > 30)
  for (const { name, counts, rises, remedy } of rows) {
    for (const sentence of [counts, rises, remedy]) {
      assert.match(sentence, /^(?!.*[.!?] )[^|\n]{12,118}\.$/, name)
      assert.ok(sentence.split(' ').length <= 20, `${name}: ${sentence}`)
    }
  }
  // Durations and times say their unit.
  for (const { name, counts } of rows) if (name.includes('_seconds')) assert.match(counts, /seconds/i, name)
})
