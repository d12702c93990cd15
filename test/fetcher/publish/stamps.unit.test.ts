import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor } from '#shared/index.ts'
import { createStamps } from '../../../services/fetcher/publish/stamps.ts'
import { instant, order, orderSchema } from '../declared.ts'
import { confirmed, runOnce } from '../pages/paginators/running.ts'

function stampsFrom(lastMs: number) {
  const told: number[] = []
  return { told, stamps: createStamps(lastMs, (behindMs) => void told.push(behindMs)) }
}

describe('the stamp of a page', () => {
  test('of a clock that is behind is a millisecond later than the one before, and that is told once, and when it has caught up', () => {
    const { stamps, told } = stampsFrom(10_000)
    assert.deepEqual(
      [5_000, 5_000, 5_001, 10_002, 20_000, 20_000].map((ms) => stamps.of(ms)),
      [10_001, 10_002, 10_003, 10_004, 20_000, 20_000],
    )
    assert.deepEqual(told, [5_000, 0])
    assert.ok(stamps.isRaised())
  })

  test('of a clock that is put back after a page goes on behind that page', () => {
    const { stamps } = stampsFrom(0)
    assert.deepEqual(
      [9_000, 2_000, 9_500].map((ms) => stamps.of(ms)),
      [9_000, 9_001, 9_500],
    )
  })

  test('is later than the start of its run where that is asked for', () => {
    const { stamps } = stampsFrom(5_000)
    assert.deepEqual([stamps.of(4_000, 7_000), stamps.of(7_001, 7_000), stamps.of(4_000, 7_000)], [7_001, 7_001, 7_002])
  })

  test('of a clock that is right is its time, without a word', () => {
    const { stamps, told } = stampsFrom(5_000)
    assert.deepEqual([stamps.of(5_000), stamps.of(6_000.7), stamps.of(6_000.9)], [5_000, 6_000, 6_000])
    assert.deepEqual([told, stamps.isRaised()], [[], false])
  })
})

const STREAM = {
  schema: orderSchema,
  records: '/data',
  paginate: cursor({ next: '/next', param: 'cursor' }),
  watermark: { field: 'updated_at', param: 'since' },
}

describe('the watermark of a run', () => {
  test('does not follow a stamp that was raised: what was not there when the page was fetched is not confirmed', async (t) => {
    const nowMs = Date.now()
    const lateMs = nowMs + 3_600_000
    const late = { ...order('late'), updated_at: new Date(nowMs + 1_800_000).toISOString() }
    const script = () => ({ json: { data: [order('o1', 1), late], next: null } })
    const ran = await runOnce(t, script, {
      stream: { ...STREAM, watermark: { ...STREAM.watermark, sorted: true } },
      plan: { startedMs: nowMs },
      stamps: createStamps(lateMs, () => {}),
    })
    assert.equal(ran.error, undefined)
    assert.ok((ran.put[0]?.marker.at ?? 0) > lateMs)
    // The clock of these tests runs fast, and by far not that fast.
    assert.ok(Date.parse(confirmed(ran)[0] ?? '') < nowMs + 1_700_000)
    assert.equal(ran.put[0]?.checkpoint.stampMs, ran.put[0]?.marker.at)
  })

  test('does not pass a page of an unsorted walk whose clock was put back after the start', async (t) => {
    const aheadMs = Date.now() + 3_600_000
    const late = { ...order('late'), updated_at: new Date(aheadMs - 60_000).toISOString() }
    const ran = await runOnce(t, () => ({ json: { data: [late, order('o1', 1)], next: null } }), {
      stream: STREAM,
      plan: { startedMs: aheadMs },
    })
    assert.ok(Date.parse(confirmed(ran)[0] ?? '') < aheadMs - 600_000)
    assert.notEqual(confirmed(ran)[0], instant(1))
  })

  test('goes by how far the clock was ahead when the run started, also where another host goes on with it', async (t) => {
    const startedMs = Date.UTC(2026, 5, 1)
    const record = { ...order('o1'), updated_at: new Date(startedMs).toISOString() }
    const ran = await runOnce(t, () => ({ json: { data: [record], next: null } }), {
      stream: STREAM,
      plan: { startedMs, aheadMs: 90_000, page: 1, cursor: 'a' },
    })
    assert.equal(confirmed(ran)[0], new Date(startedMs - 90_000).toISOString().replace('.000Z', 'Z'))
  })
})
