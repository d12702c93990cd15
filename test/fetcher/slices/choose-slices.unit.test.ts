import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { none, parent, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { NO_COSTS } from '../../../services/fetcher/http/request-costs.ts'
import type { Walk } from '../../../services/fetcher/pages/page.ts'
import { chooseSlices, type StoredSlices } from '../../../services/fetcher/slices/choose-slices.ts'
import { discoveryId } from '../../../services/fetcher/slices/discovery-id.ts'
import { knownId, knownText, SLICES_PER_PARTITION_MAX, sliceOf } from '../../../services/fetcher/slices/slice.ts'

function declared(incremental: true | { fullEvery: string } | undefined, more: object = {}): Stream {
  const base = { path: '/x', paginate: none(), primaryKey: ['id'], watermark: { field: 'at', param: 'since' } }
  const schema = z.object({ id: z.string(), at: z.iso.datetime() })
  const partitions = parent({
    ...{ stream: 'accounts', over: 1, values: { account: '/id' } },
    ...(incremental === undefined ? {} : { incremental }),
  })
  const streams = { accounts: { ...base, schema, ...more }, orders: { ...base, schema, partitions } }
  const source = compileSource({ name: 'shop', baseUrl: 'http://127.0.0.1:1', streams }, 'shop.ts')
  return source.streams[1] as Stream
}

const stream = declared(true)
const slice = (account: string, changed?: boolean) =>
  sliceOf(stream, { account }, changed === undefined ? {} : { changed })
const PARENTS = { id: discoveryId(stream), at: 'p', fullMs: 1000, whole: 'w1' }
const walkOf = (of: Stream, more: Partial<Walk> = {}) =>
  ({ stream: of, partition: 0, from: 'w2', cursor: null, startedMs: 2000, stop: {}, ...more }) as Walk

async function choose(walk: Walk, stored: Partial<StoredSlices>, found: ReturnType<typeof slice>[]) {
  const asked: (string | null)[] = []
  const discovery = {
    async find(_: unknown, since: string | null = null) {
      asked.push(since)
      return { slices: [found], cost: { ...NO_COSTS, attempts: 1 }, parents: { reached: 'q', startedMs: 1500 } }
    },
  }
  const chosen = await chooseSlices(walk, { known: '', ...stored }, { discovery, log: silentLog })
  const own = chosen.own.map((each) => `${each.values.account} ${chosen.fromOf(each)}`)
  return { ...chosen, own, asked }
}
const knownFrom = (...slices: ReturnType<typeof slice>[]) => knownText(new Set(slices.map(knownId)))

describe('of the slices that were found', () => {
  const found = [slice('a', true), slice('b', false), slice('c', false), slice('d', true)]
  const known = knownFrom(slice('a'), slice('b'), slice('gone'))

  test('those of changed parents and unknown ones are walked, unknown ones from their start', async () => {
    const { own, asked, parents, known: kept } = await choose(walkOf(stream), { known, parents: PARENTS }, found)
    assert.deepEqual([own, asked], [['a w2', 'c null', 'd null'], ['p']])
    assert.deepEqual(parents?.run, { to: 'q', foundMs: 1500 })
    assert.equal(kept.size, 3)
  })

  test('all are walked by a full walk, the known ones from where the last full walk ended', async () => {
    const walk = walkOf(declared({ fullEvery: '1s' }))
    const parents = { ...PARENTS, id: discoveryId(walk.stream) }
    const chosen = await choose(walk, { known, parents }, found)
    assert.deepEqual([chosen.own, chosen.asked], [['a w1', 'b w1', 'c null', 'd null'], [null]])
    assert.equal(chosen.known.size, 2)
    const { whole: _, ...unknown } = parents
    assert.equal((await choose(walk, { known, parents: unknown }, found)).own[0], 'a w2')
    assert.equal((await choose(walk, { known, parents: { ...parents, whole: null } }, found)).own[0], 'a null')
  })

  test('all are walked from where a full run is, whatever the last full walk was', async () => {
    const { own, asked } = await choose(
      walkOf(stream, { from: null }),
      { known, parents: PARENTS, isFull: true },
      found,
    )
    assert.deepEqual([own, asked], [['a null', 'b null', 'c null', 'd null'], [null]])
  })

  test('all are walked in the range of a backfill, which says nothing about the parents', async () => {
    const walk = walkOf(stream, { from: 'r', to: 9n })
    const { own, parents, asked } = await choose(walk, { parents: PARENTS }, found)
    assert.deepEqual([own, parents, asked], [['a r', 'b r', 'c r', 'd r'], null, [null]])
  })

  test('all are walked where the changed and the known ones are more than can be remembered', async () => {
    const many = Array.from({ length: SLICES_PER_PARTITION_MAX }, (_, at) => slice(`old${at}`))
    const { own, asked, cost, parents, known } = await choose(
      walkOf(stream),
      { known: knownFrom(...many), parents: PARENTS },
      found,
    )
    assert.deepEqual([own.length, asked, cost.attempts], [4, ['p', null], 2])
    assert.equal(known.size, 0, 'what is not found any more is forgotten')
    assert.equal(parents?.run.full, undefined)
    const fitting = { known: knownFrom(...many.slice(found.length)), parents: PARENTS }
    assert.deepEqual((await choose(walkOf(stream), fitting, found)).asked, ['p'])
  })

  test('all are walked without an incremental parent, and nothing is remembered of parents', async () => {
    const { own, asked, parents } = await choose(walkOf(declared(undefined)), { known }, [slice('a'), slice('b')])
    assert.deepEqual([own, asked, parents], [['a w2', 'b w2'], [null], null])
  })
})

test('a watermark without any known slice is warned of once, and not for a backfill or a first run', async () => {
  const warned = async (more: Partial<Walk>, known: string | undefined) => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    const discovery = { find: async () => ({ slices: [[slice('a')]], cost: NO_COSTS }) }
    await chooseSlices(walkOf(declared(undefined), more), { known }, { discovery, log })
    return lines.length
  }
  assert.deepEqual(
    [
      await warned({}, undefined),
      await warned({}, ''),
      await warned({ from: null }, undefined),
      await warned({ to: 9n }, undefined),
      await warned({ to: null }, undefined),
    ],
    [1, 0, 0, 0, 1],
  )
})

test('another declaration of the values, or of the parent, has another id; another schedule of the child has not', () => {
  const ids = [
    declared(true),
    declared(true, { filter: () => true }),
    declared(true, { params: { open: true } }),
    declared(true, { partitions: [{ region: 'eu' }] }),
  ].map(discoveryId)
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(discoveryId({ ...stream, every: 5 } as Stream), ids[0])
})
