/**
 * Records that are updated while a sorted list is walked by offsets. They move to its end, and others move into their
 * places, before the next page. Runs over a real server: what is asked, what is published, and up to where it is
 * confirmed. What a run has skipped, the next one reads.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { offset, z } from '#shared/index.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { confirmed, type Ran, runOnce } from '../pages/paginators/running.ts'
import type { Script } from '../pages/paginators/walking.ts'

type Row = { id: string; version: number; at: number }

const ROUNDS = 15
const schema = z.object({ id: z.string(), version: z.int(), at: z.int() })
const watermark = { field: 'at', param: 'since', sorted: true }
const streamOf = (paginate: unknown, more: Record<string, unknown> = {}) => ({ schema, watermark, paginate, ...more })

/** A list in the order of `at`, and of the latest change where that is equal. */
function createList(initial: Readonly<Record<string, number>>) {
  let rows = Object.entries(initial).map(([id, at]): Row => ({ id, version: 1, at }))
  function put(id: string, at: number): void {
    const version = (rows.find((row) => row.id === id)?.version ?? 0) + 1
    rows = [...rows.filter((row) => row.id !== id), { id, version, at }].sort((a, b) => a.at - b.at)
  }
  return {
    put,
    rows: () => rows,
    /** `sizeMax`: records of a page at most. `changes`: made before the request of that number. */
    script(changes: Record<number, () => void> = {}, sizeMax = Number.POSITIVE_INFINITY): Script {
      return ({ query }, number) => {
        changes[number]?.()
        const found = rows.filter(({ at }) => at >= Number(query.get('since') ?? 0))
        const from = Number(query.get('offset'))
        const data = found.slice(from, from + Math.min(sizeMax, Number(query.get('limit'))))
        return { json: { data, more: from + data.length < found.length } }
      }
    },
  }
}
type List = ReturnType<typeof createList>

const versionsIn = (runs: readonly Ran[]): string[] =>
  runs.flatMap(({ put }) =>
    put.flatMap(({ records }) =>
      records.map(({ key, payload }) => `${key} ${(JSON.parse(payload.toString()) as Row).version}`),
    ),
  )

/** Another run from what the run before has confirmed, over a list at rest. Between them they have read everything. */
async function assertNothingLost(t: TestContext, list: List, stream: Record<string, unknown>, before: Ran[]) {
  assert.deepEqual(
    before.map(({ error }) => error),
    before.map(() => undefined),
  )
  const from = before.at(-1)?.put.at(-1)?.checkpoint.watermark ?? null
  const next = await runOnce(t, list.script(), { stream, plan: { from, watermark: from, seen: from } })
  assert.equal(next.error, undefined)
  const published = new Set(versionsIn([...before, next]))
  const lost = list.rows().filter(({ id, version }) => !published.has(`${id} ${version}`))
  assert.deepEqual(lost, [])
}

const skips = ({ requests }: Ran): number[] => requests.map(({ query }) => Number(query.get('offset')))

describe('a sorted walk by offsets confirms no more than what it has surely walked', () => {
  test('where all records of a page have moved, and the next one repeats fewer than the overlap', async (t) => {
    const list = createList({ a: 1, b: 2 })
    const move = () => {
      list.put('a', 3)
      list.put('b', 4)
    }
    const stream = streamOf(offset({ limit: 3, overlap: 2, stop: 'empty' }))
    const ran = await runOnce(t, list.script({ 1: move }), { stream })
    assert.deepEqual(skips(ran), [0, 1])
    assert.deepEqual(versionsIn([ran]), ['a 1', 'b 1', 'b 2'])
    assert.deepEqual(confirmed(ran), ['2', '2'])
    await assertNothingLost(t, list, stream, [ran])
  })

  test('where they have moved within the time of the last one, and later records follow', async (t) => {
    const list = createList({ a: 2, b: 2 })
    const move = () => {
      list.put('a', 2)
      list.put('b', 2)
      list.put('c', 3)
    }
    const stream = streamOf(offset({ limit: 4, overlap: 2 }))
    const ran = await runOnce(t, list.script({ 1: move }), { stream })
    assert.deepEqual(versionsIn([ran]).slice(2, 4), ['b 2', 'c 1'])
    assert.deepEqual(confirmed(ran), ['2', '2', '2'])
    await assertNothingLost(t, list, stream, [ran])
  })

  test('also on the pages after such a page, which repeat records of it', async (t) => {
    const list = createList({ a: 2, b: 2, c: 2 })
    const move = () => {
      for (const id of ['a', 'b', 'c']) list.put(id, 2)
      for (const id of ['d', 'e']) list.put(id, 3)
    }
    const stream = streamOf(offset({ limit: 5, overlap: 3 }))
    const ran = await runOnce(t, list.script({ 1: move }), { stream })
    assert.deepEqual(skips(ran), [0, 1, 2])
    assert.deepEqual(confirmed(ran), ['2', '2', '2'])
    await assertNothingLost(t, list, stream, [ran])
  })

  test('where more have moved than the overlap, and one of them is met again in its new place', async (t) => {
    const list = createList({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 })
    const move = () => {
      for (const [index, id] of ['a', 'b', 'c'].entries()) list.put(id, 7 + index)
    }
    const stream = streamOf(offset({ limit: 3, overlap: 1 }))
    const ran = await runOnce(t, list.script({ 1: move }), { stream })
    assert.deepEqual(versionsIn([ran]), ['a 1', 'b 1', 'c 1', 'f 1', 'a 2', 'b 2', 'c 2'])
    assert.deepEqual(confirmed(ran), ['3', '3', '3'])
    await assertNothingLost(t, list, stream, [ran])
  })

  test('where a run resumes after a pause, in which records have moved, and after another one', async (t) => {
    const list = createList({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 })
    const stream = streamOf(offset({ limit: 3, overlap: 1 }))
    const begun = await runOnce(t, list.script(), { stream })
    const { checkpoint } = begun.put[0] ?? assert.fail()
    for (const [index, id] of ['a', 'b', 'c'].entries()) list.put(id, 7 + index)
    const resumed = await runOnce(t, list.script(), { stream, plan: { ...checkpoint } })
    const again = resumed.put[0]?.checkpoint ?? assert.fail()
    assert.equal(again.done, false)
    const ended = await runOnce(t, list.script(), { stream, plan: { ...again } })
    assert.deepEqual(confirmed(ended), ['3'])
    await assertNothingLost(t, list, stream, [{ ...begun, put: begun.put.slice(0, 1) }, resumed, ended])
  })

  test('where a page has one record, and nothing of it is requested again', async (t) => {
    const list = createList({ a: 1, b: 2 })
    const stream = streamOf(offset({ limit: 3, overlap: 1, hasMore: '/more' }))
    const ran = await runOnce(t, list.script({ 1: () => list.put('a', 3) }, 1), { stream })
    assert.deepEqual(versionsIn([ran]), ['a 1', 'a 2'])
    assert.deepEqual(confirmed(ran), ['1', '1'])
    await assertNothingLost(t, list, stream, [ran])
  })

  test('where map makes the field that it is sorted by', async (t) => {
    const list = createList({ a: 1, b: 2 })
    const script: Script = async (asked, number) => {
      const change = () => {
        list.put('a', 3)
        list.put('b', 4)
      }
      const { json } = (await list.script({ 1: change })(asked, number)) as { json: { data: Row[] } }
      return { json: { data: json.data.map(({ id, version, at }) => ({ id, version, facts: { at } })) } }
    }
    const map = (raw: unknown) => {
      const { id, version, facts } = raw as { id: string; version: number; facts: { at: number } }
      return { id, version, at: facts.at }
    }
    const ran = await runOnce(t, script, { stream: streamOf(offset({ limit: 3, overlap: 2 }), { map }) })
    assert.deepEqual(confirmed(ran), ['2', '2'])
  })

  test('whatever moves between two pages, as long as it is no more than the overlap', async (t) => {
    const random = randomFrom(testSeed())
    for (let round = 0; round < ROUNDS; round++) {
      const overlap = between(random, 1, 3)
      const limit = overlap + between(random, 1, 2)
      const list = createList({ a: 1, b: 2, c: 3, d: 4 })
      let now = 4
      const change = () => {
        for (let count = between(random, 0, overlap); count > 0; count--) {
          now += between(random, 0, 1)
          list.put('abcd'[between(random, 0, 3)] ?? 'a', now)
        }
        if (between(random, 0, 2) > 0) return
        now += 1
        list.put(`new ${now}`, now)
      }
      const changes = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [index + 1, change]))
      const stream = streamOf(offset({ limit, overlap, stop: 'empty' }))
      const ran = await runOnce(t, list.script(changes), { stream })
      await assertNothingLost(t, list, stream, [ran])
    }
  })
})

describe('a sorted walk by offsets confirms each page', () => {
  test('where nothing moves, however few records a page repeats and however many have the same time', async (t) => {
    for (const [overlap, limit] of [
      [1, 2],
      [1, 4],
      [3, 4],
    ] as const) {
      const list = createList({ a: 1, b: 1, c: 1, d: 1, e: 2, f: 3 })
      const ran = await runOnce(t, list.script(), { stream: streamOf(offset({ limit, overlap, stop: 'empty' })) })
      assert.deepEqual(new Set(versionsIn([ran])).size, 6)
      assert.equal(confirmed(ran).at(-1), '3')
      assert.deepEqual(
        confirmed(ran),
        ran.put.map(({ checkpoint }) => checkpoint.seen),
      )
    }
  })

  test('where records are added behind a page that was not full, and its last one is unchanged', async (t) => {
    const list = createList({ a: 1, b: 1 })
    const stream = streamOf(offset({ limit: 4, overlap: 2, stop: 'empty' }))
    const ran = await runOnce(t, list.script({ 1: () => list.put('c', 2) }), { stream })
    assert.deepEqual(confirmed(ran).slice(0, 2), ['1', '2'])
  })

  test('where no more than the overlap has moved, and a record from before is met again', async (t) => {
    for (const moved of ['a', 'd']) {
      const list = createList({ a: 1, b: 2, c: 3, d: 4, e: 5 })
      const stream = streamOf(offset({ limit: 4, overlap: 2 }))
      const ran = await runOnce(t, list.script({ 1: () => list.put(moved, 6) }), { stream })
      assert.deepEqual([confirmed(ran)[0], confirmed(ran).at(-1)], ['4', '6'], moved)
      await assertNothingLost(t, list, stream, [ran])
    }
  })

  test('where the first page is requested again, though all of its records have moved', async (t) => {
    const list = createList({ a: 1 })
    const move = () => {
      list.put('a', 2)
      list.put('b', 3)
    }
    const stream = streamOf(offset({ limit: 3, overlap: 1 }))
    const ran = await runOnce(t, list.script({ 1: move }), { stream })
    assert.deepEqual(skips(ran).slice(0, 2), [0, 0])
    assert.deepEqual(confirmed(ran).slice(0, 2), ['1', '3'])
  })
})
