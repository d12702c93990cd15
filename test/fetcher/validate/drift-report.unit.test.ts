import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { z } from '#shared/index.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { createDriftNames, createDriftReport } from '../../../services/fetcher/validate/drift-report.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, order, orderSchema } from '../declared.ts'

const stream = declareOrders({
  schema: orderSchema.extend({ note: z.string().optional(), tag: z.string().optional() }),
})
const judge = createValidator(stream)

function reporter(declared = stream) {
  const lines: string[] = []
  const metrics = createMetrics()
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  const names = createDriftNames(declared, log, metrics)
  const report = createDriftReport(declared, log, names)
  const page = (extra: object, count = 1) =>
    report.page(judge(Array.from({ length: count }, (_, at) => ({ ...order(`o${at}`), ...extra }))))
  return { page, runDone: report.runDone, runEnded: report.runEnded, names, lines, metrics }
}
const said = (line: string | undefined) => JSON.parse(line ?? '{}')

test('fields that the schema does not declare are named in one info line for a run, once, and counted each time', async () => {
  const { page, runEnded, lines, metrics } = reporter()
  page({ colour: 'red' })
  page({ colour: 'red', size: 1 })
  runEnded()
  page({ colour: 'red', size: 1 })
  runEnded()
  page({ size: 1, weight: 2 })
  runEnded()
  assert.deepEqual(
    lines.map((line) => [said(line).level, said(line).unknownFields, said(line).fields]),
    [
      [30, 'keep', ['colour: string, a text of 3 characters', 'size: number, a whole number of 1 digits']],
      [30, 'keep', ['weight: number, a whole number of 1 digits']],
    ],
  )
  const { values } = await metrics.drift.get()
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.path, value]),
    [
      ['colour', 3],
      ['size', 3],
      ['weight', 1],
    ],
  )
})

test('fields that the checkpoint names are not named again after a restart', () => {
  const { page, runEnded, names, lines } = reporter()
  names.known(['colour'])
  page({ colour: 'red', size: 1 })
  runEnded()
  assert.deepEqual([lines.length, said(lines[0]).fields], [1, ['size: number, a whole number of 1 digits']])
})

test('fields that are rejected are a warning: their records are dead letters', () => {
  const { page, runEnded, lines } = reporter({ ...stream, unknownFields: 'reject' })
  page({ colour: 'red' })
  runEnded()
  assert.deepEqual([lines.length, said(lines[0]).level], [1, 40])
})

test('paths without end are counted together beyond a bound, and one line names a bounded number', async () => {
  const { page, runEnded, lines, metrics } = reporter()
  for (let path = 0; path < 1_000; path++) page({ [`id-${path}`]: 1 })
  runEnded()
  assert.deepEqual([lines.length, said(lines[0]).fields.length, said(lines[0]).more], [1, 50, 450])
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
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const report = createDriftReport(columns, log, createDriftNames(columns, log, metrics))
  const judgePage = createValidator(columns, () => new Map([['colour', 'string'] as const]))
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
