import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { createDriftReport } from '../../services/fetcher/drift-report.ts'
import { judgeFor } from '../../services/fetcher/judge.ts'
import { z } from '../../shared/index.ts'
import { createMetrics } from '../../shared/metrics.ts'
import { declareOrders, order, orderSchema } from './declared.ts'

const stream = declareOrders({ schema: orderSchema.extend({ note: z.string().optional(), tag: z.string().optional() }) })
const judge = judgeFor(stream)

function reporter() {
  const lines: string[] = []
  const metrics = createMetrics()
  const report = createDriftReport(stream, pino({}, { write: (line: string) => void lines.push(line) }), metrics)
  const page = (extra: object, count = 1) =>
    report.page(judge(Array.from({ length: count }, (_, at) => ({ ...order(`o${at}`), ...extra }))))
  return { page, runDone: report.runDone, lines, metrics }
}

test('drift is said once for each path with its type, and counted each time', async () => {
  const { page, lines, metrics } = reporter()
  page({ colour: 'red' })
  page({ colour: 'red', size: 1 })
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
  const { page, lines, metrics } = reporter()
  for (let path = 0; path < 1_000; path++) page({ [`id-${path}`]: 1 })
  assert.equal(lines.length, 500)
  const { values } = await metrics.drift.get()
  assert.equal(values.length, 501)
  assert.equal(values.find(({ labels }) => labels.path === '(others)')?.value, 500)
})

test('an optional field that comes no more is said once, after a run that shows it, and again when it has come and gone again', () => {
  const { page, runDone, lines } = reporter()
  const run = (extra: object, count: number) => {
    page(extra, 1)
    page({}, count - 1)
    runDone()
  }
  run({}, 30)
  run({ note: 'here' }, 30)
  run({}, 19)
  assert.deepEqual(lines, [])
  run({}, 20)
  run({}, 20)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /"path":"note","records":20,"msg":"the API no longer sends a field/)
  run({ note: 'back' }, 1)
  run({}, 30)
  assert.equal(lines.length, 2)
})

test('a value that does not fit its learned column is said as that, once for each type, and is no unknown field', async () => {
  const lines: string[] = []
  const metrics = createMetrics()
  const columns = declareOrders({ unknownFields: 'columns' })
  const report = createDriftReport(columns, pino({}, { write: (line: string) => void lines.push(line) }), metrics)
  const judgePage = judgeFor(columns, () => new Map([['colour', 'string'] as const]))
  for (const colour of [7, 8, ['red'], 'red', null]) {
    const judged = judgePage([{ ...order('a'), colour }])
    assert.equal(judged.drift.size, 0)
    assert.equal(judged.records.length, 1)
    report.page(judged)
  }
  assert.equal(lines.length, 2)
  assert.match(
    lines[0] ?? '',
    /"level":30.*"path":"colour","column":"string","type":"number".*does not fit the learned column \\"colour\\" \(string\)/,
  )
  const { values } = await metrics.columnMisfits.get()
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.path, value]),
    [['colour', 3]],
  )
  assert.deepEqual((await metrics.drift.get()).values, [])
})
