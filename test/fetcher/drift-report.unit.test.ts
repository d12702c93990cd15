import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { createDriftReport } from '../../services/fetcher/drift-report.ts'
import { createMetrics } from '../../shared/metrics.ts'
import { declareOrders } from './declared.ts'

function reporter() {
  const lines: string[] = []
  const metrics = createMetrics()
  const report = createDriftReport(declareOrders(), pino({}, { write: (line: string) => void lines.push(line) }), metrics)
  return { report, lines, metrics }
}

test('drift is said once for each path with its type, and counted each time', async () => {
  const { report, lines, metrics } = reporter()
  report(new Map([['colour', 'string']]))
  report(
    new Map([
      ['colour', 'string'],
      ['size', 'number'],
    ]),
  )
  assert.equal(lines.length, 2)
  assert.match(lines[0] ?? '', /"path":"colour","type":"string"/)
  const { values } = await metrics.drift.get()
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.path, value]),
    [
      ['colour', 2],
      ['size', 1],
    ],
  )
})

test('paths without end are counted together beyond a bound', async () => {
  const { report, lines, metrics } = reporter()
  for (let path = 0; path < 1_000; path++) report(new Map([[`id-${path}`, 'string']]))
  assert.equal(lines.length, 500)
  const { values } = await metrics.drift.get()
  assert.equal(values.length, 501)
  assert.equal(values.find(({ labels }) => labels.path === '(others)')?.value, 500)
})
