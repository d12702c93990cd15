import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { createSeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import { instant, order, STREAM } from '../declared.ts'
import { confirmed, keysOf, runOnce } from '../pages/paginators/running.ts'

const SORTED = { ...STREAM, watermark: { field: 'updated_at', param: 'since', sorted: true } }
const good = (from: number) => Array.from({ length: 100 }, (_, at) => order(`o${from + at}`, from + at))
const page = (data: readonly unknown[], next: string | null) => ({ json: { data, next } })
const many = (count: number, value: unknown) => Array.from({ length: count }, () => value)

describe('equal rejected records', () => {
  for (const [name, bad] of [
    ['null', null],
    ['an empty object', {}],
    ['a text', 'gone'],
    ['the same record', { ...order('x', 1), total: 'many' }],
  ] as const) {
    test(`that fill a page stop the run in front of it, and hold the watermark: ${name}`, async (t) => {
      const pages = [page(good(0), 'b'), page(many(500, bad), 'c'), page(good(100), null)]
      const ran = await runOnce(t, (_, number) => pages[number] ?? {}, { stream: SORTED })
      assert.ok(ran.error instanceof Stopped, String(ran.error))
      assert.equal(ran.error.code, 'HR_API_CHANGED')
      assert.match(ran.error.message, /500 of 600 records/)
      assert.equal(ran.requests.length, 2)
      assert.deepEqual(confirmed(ran), [instant(99)])
    })

    test(`that are a large share of the run stop it: ${name}`, async (t) => {
      const pages = [
        page(good(0), 'b'),
        page([...many(40, bad), ...good(100)], 'c'),
        page([...many(80, bad), ...good(200)], null),
      ]
      const ran = await runOnce(t, (_, number) => pages[number] ?? {}, { stream: SORTED })
      assert.ok(ran.error instanceof Stopped, String(ran.error))
      assert.equal(ran.put.length, 2)
    })

    test(`that a single one came before stop the run as well: ${name}`, async (t) => {
      const seenRecords = createSeenRecords(1_000)
      const before = await runOnce(t, () => page([...good(0), bad], null), { stream: SORTED, seenRecords })
      assert.equal(before.put[0]?.rejected.length, 1)
      const ran = await runOnce(t, () => page(many(500, bad), null), { stream: SORTED, seenRecords })
      assert.ok(ran.error instanceof Stopped, String(ran.error))
      assert.match(ran.error.message, /499 of 499 records/)
    })
  }

  test('that come again with the lookback, as many as before and nothing else, stop no run', async (t) => {
    const seenRecords = createSeenRecords(1_000)
    const first = await runOnce(t, () => page([...good(0), ...many(30, {})], null), { stream: SORTED, seenRecords })
    assert.deepEqual(
      first.put[0]?.rejected.map(({ raw, times }) => [raw, times]),
      [['{}', 30]],
    )
    assert.deepEqual([first.put[0]?.marker.deadLetters, first.put[0]?.marker.unchanged], [1, 29])
    for (let again = 0; again < 3; again++) {
      const ran = await runOnce(t, () => page(many(30, {}), null), { stream: SORTED, seenRecords })
      assert.equal(ran.error, undefined)
      assert.deepEqual([ran.put[0]?.marker.deadLetters, ran.put[0]?.marker.unchanged], [0, 30])
    }
  })

  test('within the allowed share are one dead letter a page, and the run goes on', async (t) => {
    const pages = [page([...good(0), ...many(20, null)], 'b'), page([...good(100), ...many(20, null)], null)]
    const ran = await runOnce(t, (_, number) => pages[number] ?? {}, { stream: SORTED })
    assert.equal(ran.error, undefined)
    assert.equal(keysOf(ran).length, 200)
    assert.deepEqual(
      ran.put.map(({ rejected }) => rejected.map(({ raw, times }) => [raw, times])),
      [[['null', 20]], [['null', 20]]],
    )
  })
})
