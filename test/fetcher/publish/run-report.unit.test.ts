import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { Stopped, Unavailable } from '#shared/errors.ts'
import { pageNumber } from '#shared/index.ts'
import { FencedError, PublishFailed } from '#shared/kafka/kafka.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { PageSkipped, Parked } from '../../../services/fetcher/http/errors.ts'
import type { Caution } from '../../../services/fetcher/pages/walk-size.ts'
import type { RunPage } from '../../../services/fetcher/publish/publish-page.ts'
import { createRunReport } from '../../../services/fetcher/publish/run-report.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import { createDriftNames } from '../../../services/fetcher/validate/drift-report.ts'
import { declareOrders } from '../declared.ts'

const SORTED = { watermark: { field: 'updated_at', param: 'since', sorted: true } }
const plan = (facts: Partial<RunPlan> = {}): RunPlan => ({
  ...{ run: 'r1', startedMs: 0, page: 0, from: null, cursor: null, watermark: null, seen: null },
  ...facts,
})
const page = (facts: Partial<RunPage> = {}): RunPage => ({
  page: {
    ...{ records: [], rejected: [], positions: [], drift: new Map(), absent: new Set<string>(), omitted: 0 },
  },
  ...{ sorted: true, shifted: false, notWhole: null, cautions: [] },
  ...facts,
})
const caution = (about: Caution['about'], says: string): Caution => ({ about, says })

function reporting(declared: Record<string, unknown> = SORTED) {
  const lines: { level: number; msg: string; run?: string }[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const stream = declareOrders(declared)
  const driftNames = createDriftNames(stream, log, metrics)
  const report = createRunReport({ stream, partition: 0 }, { log, metrics, driftNames })
  const of = (text: RegExp) => lines.filter(({ msg }) => text.test(msg)).length
  return { report, metrics, lines, of }
}

describe('in a run, it is reported', () => {
  test('once a walk what may be wrong with its end; once and for all what follows from the way of paging', () => {
    const { report, of } = reporting()
    const cautions = [caution('total', 'short of the total'), caution('counted', 'by a counter')]
    for (const run of ['r1', 'r2']) {
      report.walkBegins(plan({ run }))
      for (let pages = 0; pages < 3; pages++) report.page(page({ cautions }))
    }
    assert.deepEqual([of(/short of the total/), of(/by a counter/)], [2, 1])
  })

  test('once a walk that a sorted stream is out of order', () => {
    const { report, of } = reporting()
    report.walkBegins(plan())
    report.page(page())
    assert.equal(of(/not in watermark order/), 0)
    for (let pages = 0; pages < 3; pages++) report.page(page({ sorted: false }))
    assert.equal(of(/not in watermark order/), 1)
    report.walkBegins(plan({ run: 'r2' }))
    report.page(page({ sorted: false }))
    assert.equal(of(/not in watermark order/), 2)
  })

  test('nothing of the order if it was reported before the interruption, is no promise, or follows from a shift', async () => {
    const resumed = reporting()
    resumed.report.walkBegins(plan({ unordered: true }))
    resumed.report.page(page({ sorted: false }))
    assert.equal(resumed.of(/not in watermark order/), 0)

    const unsorted = reporting({})
    unsorted.report.walkBegins(plan())
    unsorted.report.page(page({ sorted: false }))
    assert.equal(unsorted.of(/not in watermark order/), 0)

    const shifted = reporting()
    shifted.report.walkBegins(plan())
    shifted.report.page(page({ shifted: true, sorted: false }))
    assert.deepEqual([shifted.of(/records shifted/), shifted.of(/not in watermark order/)], [1, 0])
    assert.equal((await shifted.metrics.walkShifts.get()).values[0]?.value, 1)
  })

  test('why a walk does not show what is deleted', () => {
    const { report, of } = reporting()
    report.walkBegins(plan())
    report.page(page())
    report.page(page({ notWhole: 'records were rejected' }))
    assert.equal(of(/walk is incomplete: records were rejected/), 1)
  })

  test('once that the cursor is too long for the checkpoint', () => {
    const { report, of } = reporting()
    for (const run of ['r1', 'r2']) {
      report.walkBegins(plan({ run }))
      report.longCursor()
      report.longCursor()
    }
    assert.equal(of(/too long for the checkpoint/), 2)
  })

  test('once a process that records of pages by number can be missed', async () => {
    const { report, of } = reporting({ paginate: pageNumber({ stop: 'empty' }) })
    await report.runBegins([])
    await report.runBegins([])
    assert.equal(of(/^page-number: /), 1)
  })

  test('that the clock is behind, and as a metric also that it has caught up', async () => {
    const { report, metrics, of } = reporting()
    const behind = async () => (await metrics.clockBehindSeconds.get()).values[0]?.value
    report.clockBehind(2_600, 5_000)
    assert.deepEqual([of(/clock is 3 s behind/), await behind()], [1, 2.6])
    report.clockBehind(0, 5_000)
    assert.deepEqual([of(/behind/), await behind()], [1, 0])
  })
})

describe('at the end of a run', () => {
  test('a pause is a warning, any other failure an error', () => {
    const { report, lines } = reporting()
    report.failed(new Parked(5_000, 'wait'))
    report.failed(new Unavailable('HR_X', 'down'))
    assert.deepEqual(
      lines.map(({ level }) => level),
      [40, 50],
    )
  })

  for (const [what, error, outcomes] of [
    ['a fenced writer', new FencedError('HR_FENCED', 'fenced'), ['fenced']],
    ['a failed transaction', new PublishFailed('HR_KAFKA', 'failed'), ['failed']],
    ['any other failure', new Stopped('HR_X', 'why'), []],
  ] as const) {
    test(`${what} is counted among the transactions: ${outcomes.join() || 'no'}`, async () => {
      const { report, metrics } = reporting()
      report.failed(error)
      const { values } = await metrics.transactions.get()
      assert.deepEqual(
        values.filter(({ value }) => value > 0).map(({ labels }) => labels.outcome),
        outcomes,
      )
    })
  }

  test('a skipped page is counted by its status', async () => {
    const { report, metrics } = reporting()
    report.pageSkipped(new PageSkipped(451, 'skipped'))
    assert.equal((await metrics.pagesSkipped.get()).values[0]?.labels.status, '451')
  })
})
