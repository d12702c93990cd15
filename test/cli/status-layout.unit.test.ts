/**
 * `status` and `dead-letters list` as text: within 80 columns whatever they hold, everything with --wide, and nothing
 * that steers a terminal.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawMessage } from '#shared/kafka/port.ts'
import { MARKER_HEADER } from '#shared/messages/frame.ts'
import { describeList } from '../../services/cli/dead-letters.ts'
import { describeStatus } from '../../services/cli/status-layout.ts'
import { columnsOf, rendered } from '../../services/cli/table-output.ts'
import type { LetterList } from '../../services/operator/dead-letters/list.ts'
import { createReadBudget, recordsIn } from '../../services/operator/status/lag.ts'
import { needsOf } from '../../services/operator/status/needs.ts'
import type { PartitionStatus, StreamStatus } from '../../services/operator/status/status.ts'

const NOW = Date.parse('2026-11-29T12:00:00Z')
const LONG = `${'very-long-source-name'.repeat(3)}.${'very-long-stream-name'.repeat(3)}`
const HOSTILE = 'a\u001b[31mb\u009b2Jc\u202ed\ne\rf'
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}]/u

const partition = (with_: Partial<PartitionStatus> = {}): PartitionStatus => ({
  partition: 0,
  checkpoint: { run: 'r', page: 3, done: false, watermark: '2026-11-29T09:12:33.123456789Z', offset: 10 },
  lastRun: {
    ...{
      startedAt: '2026-11-29T09:12:33.123Z',
      pages: 3,
      records: 57,
      deadLetters: 3,
      unchanged: 0,
      requests: 6,
      retries: 0,
    },
    drift: [HOSTILE, 'x'.repeat(100_000)],
  },
  watermark: '2026-11-29T09:12:33.123456789Z',
  loaded: 5,
  log: { low: 0, high: 1_234_567 },
  lag: 1_234_562,
  lagAtMost: true,
  offsets: 1_234_562,
  deadLetters: { count: 3, done: 1, more: true, reasons: { [HOSTILE]: 3 } },
  gap: { from: 1, to: 2 },
  attempt: {
    ...{
      outcome: 'failed',
      at: '2026-11-29T11:59:00.123Z',
      code: 'HR_PAGE_REFUSED',
      message: `refused with 401: ${HOSTILE}`,
    },
    ...{
      hint: 'ask for access',
      lastSuccess: null,
      failingSince: '2026-11-29T09:00:00Z',
      failures: 12,
      parkedUntil: null,
    },
    ...{ released: false, next: null, attention: [{ kind: HOSTILE, message: HOSTILE }] },
  },
  stalled: { since: '2026-11-29T09:00:00Z', reason: 'table', message: HOSTILE },
  skipped: { run: 'r', page: 3, status: 451, at: '2026-11-29T09:12:33.123Z' },
  withheldDeletes: null,
  doubtedMarker: null,
  next: 'continues after page 3',
  fetcher: `headrace-${'x'.repeat(60)}`,
  loader: null,
  ...with_,
})

const backfill = {
  id: 'x',
  range: { from: '2026-01-01T00:09:00Z', to: '2026-01-01T00:39:00Z' },
  owner: 'm',
  waiting: [],
}
const PART = {
  ...{
    partition: 0,
    startedAt: '2026-11-29T09:12:33.123Z',
    pages: 2,
    done: false,
    reached: '2026-01-01T00:19:00Z',
    lost: false,
    skipped: null,
  },
  totals: { records: 20, deadLetters: 0, unchanged: 0, requests: 2, retries: 0, drift: [] },
}
const STREAMS: StreamStatus[] = [
  {
    stream: LONG,
    topic: `headrace.${LONG}`,
    partitions: [partition(), partition({ partition: 1, watermark: '日本語'.repeat(40) })],
    ...{ backfills: [], replication: [] },
  },
  {
    ...{
      replication: [],
      stream: 'shop.orders',
      topic: 'headrace.shop.orders',
      partitions: [partition({ attempt: null, stalled: null })],
    },
    backfills: [{ ...backfill, partitions: [PART] }] as unknown as StreamStatus['backfills'],
  },
]

const textOf = (width: number | null, colours = false) =>
  rendered(describeStatus(STREAMS, needsOf(STREAMS, NOW), width), colours)
const widest = (text: string): number => Math.max(...text.split('\n').map(columnsOf))

describe('status', () => {
  test('fits 80 columns and narrower ones, with long names, watermarks, reasons and messages', () => {
    for (const width of [60, 80, 100]) assert.ok(widest(textOf(width)) <= width, textOf(width))
  })

  test('shows in 80 columns how each partition is: last attempt, watermark, lag, dead letters, backfills', () => {
    const text = textOf(80)
    assert.match(text, /failed \(12 times\)/)
    assert.match(text, /2026-11-29T11:59:00Z/)
    assert.match(text, /page 3/)
    assert.match(text, /│ ≤ 1234562 +│/)
    assert.match(text, /│ shop\.orders +│/)
    assert.match(text, /page 2, .* 20 records, 2 pages .* running/)
    assert.match(text, /table stalled/)
  })

  test('has with --wide every column, and each notice in one line', () => {
    const text = textOf(null)
    assert.match(
      text,
      new RegExp(
        `│ ${LONG} +│ 0 +│ failed \\(12 times\\) +│ 2026-11-29T09:00:00Z +│ page 3, 2026-11-29T09:12:33\\.123456789Z`,
      ),
    )
    assert.match(text, /page 3 skipped: 451/)
    assert.match(
      text,
      /^! .*: the last 12 attempts failed: .*\(HR_PAGE_REFUSED\), since 2026-11-29T09:00:00Z\. To do: ask for access$/m,
    )
  })

  test('steers no terminal, and colours only words of state', () => {
    for (const width of [80, null]) {
      assert.doesNotMatch(textOf(width), UNSAFE)
      const parts = textOf(width, true).split('\u001b[')
      assert.ok(parts.length > 1)
      for (const [at, part] of parts.entries()) {
        assert.doesNotMatch(part, UNSAFE)
        if (at > 0) assert.match(part, /^(31|32|33|39)m/)
      }
    }
  })
})

describe('dead-letters list', () => {
  const letters: LetterList['letters'] = [
    {
      ...{
        partition: 0,
        offset: 1_500,
        atMs: NOW,
        state: 'open',
        stage: 'validate',
        reason: 'invalid_type',
        issues: `${'x'.repeat(3_000)}${HOSTILE}`,
      },
      ...{ run: '4f0c1d2e-1111-2222-3333-444455556666', page: 12, replays: 0, bytes: 10 },
    } as LetterList['letters'][number],
    {
      partition: 1,
      offset: 7,
      atMs: NOW,
      state: 'done',
      stage: 'insert',
      reason: 'data',
      issues: '',
      origin: LONG,
      replays: 2,
      bytes: 1,
    } as LetterList['letters'][number],
  ]
  const list: LetterList = {
    stream: LONG,
    topic: LONG,
    open: 3,
    done: 1,
    more: true,
    reasons: { [HOSTILE]: 2, data: 1 },
    letters,
  }

  test('fits 80 columns, with the issues and the origin below each letter', () => {
    const text = rendered(describeList(list, 80), false)
    assert.ok(widest(text) <= 80, text)
    assert.doesNotMatch(text, UNSAFE)
    assert.match(text, /│ 0:1500 +│ 2026-11-29T12:00:00Z +│ validate +│/)
    assert.match(text, /run 4f0c1d2e-1111-2222-3333-444455556666, page 12/)
  })

  test('has with --wide each letter in one line, its issues whole', () => {
    const text = rendered(describeList(list, null), false)
    assert.doesNotMatch(text, UNSAFE)
    assert.match(text, /│ 0:1500 +│.*x{3000}a\\u001b\[31mb.* │ run 4f0c1d2e.*, page 12 +│ 0 /)
  })
})

describe('the lag', () => {
  const message = (offset: number, marker: boolean, bytes = 1): RawMessage => ({
    ...{ offset: String(offset), timestamp: '0', key: null, value: marker ? null : Buffer.alloc(bytes) },
    ...(marker ? { headers: { [MARKER_HEADER]: '{}' } } : {}),
  })
  /** A log of these messages; offsets that are missing are control records. */
  const logOf = (messages: readonly RawMessage[]) => ({
    reads: 0,
    async *readPartition(_topic: string, _partition: number, from: number, to: number) {
      this.reads += 1
      yield* messages.filter(({ offset }) => Number(offset) >= from && Number(offset) < to)
    },
  })
  const PLACE = { topic: 't', partition: 0 }

  test('counts records, and neither page markers nor what transactions leave', async () => {
    const log = logOf([0, 1, 2, 3, 4].map((at) => message(at, false)).concat(message(5, true), message(7, true)))
    assert.deepEqual(await recordsIn(log, PLACE, 0, 9), { records: 5, atMost: false })
    assert.deepEqual(await recordsIn(log, PLACE, 5, 9), { records: 0, atMost: false })
    assert.equal(log.reads, 2)
    assert.deepEqual(await recordsIn(log, PLACE, 9, 9), { records: 0, atMost: false })
    assert.equal(log.reads, 2)
  })

  test('that is too much to be read is the most that it can be, and says so', async () => {
    const log = logOf([])
    assert.deepEqual([await recordsIn(log, PLACE, 0, 5_001), log.reads], [{ records: 5_001, atMost: true }, 0])
    const heavy = logOf(Array.from({ length: 40 }, (_, at) => message(at, false, 1024 * 1024)))
    assert.deepEqual(await recordsIn(heavy, PLACE, 0, 100), { records: 100, atMost: true })
  })

  test('of thousands of partitions is read for the first 500, and for 100,000 offsets in all', async () => {
    const log = logOf([message(0, false)])
    const small = createReadBudget()
    const lags = []
    for (let partition = 0; partition < 600; partition++) lags.push(await recordsIn(log, PLACE, 0, 3, small))
    assert.deepEqual(
      [log.reads, lags[499], lags[500]],
      [500, { records: 1, atMost: false }, { records: 3, atMost: true }],
    )
    const large = createReadBudget()
    for (let partition = 0; partition < 30; partition++) await recordsIn(log, PLACE, 0, 5_000, large)
    assert.equal(log.reads, 500 + 20)
  })
})
