/** Children of changed parents only, and nothing lost of them: in every order of changes, failures and kills. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parent, z } from '#shared/index.ts'
import { partitionOf, sliceOf } from '../../../services/fetcher/slices/slice.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { createWorld, Killed } from './changing-parents.ts'

const childrenAsked = (asked: readonly string[]) => asked.filter((each) => each.startsWith('children')).sort()
const parentsAsked = (asked: readonly string[]) => asked.filter((each) => each.startsWith('parents'))

function filled(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options)
  for (const id of ['a', 'b', 'c', 'd']) {
    world.tick()
    world.putChild(`${id}1`, id, 'x')
    world.putChild(`${id}2`, id, 'y')
  }
  world.tick(20)
  return world
}

describe('a parent that is read incrementally', () => {
  test('is read as a whole at first, then from where it was, and only changed parents have their children asked', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    assert.deepEqual([world.missing(), world.asked.length], [[], 9])
    const { at, fullMs, whole, run } = world.checkpoint()?.parents ?? {}
    assert.deepEqual([at, whole, run], ['2026-01-01T00:00:04Z', '2026-01-01T00:00:04Z', undefined])
    assert.equal(fullMs, Date.parse('2026-01-01T00:00:24Z'))

    world.asked.length = 0
    world.putChild('b3', 'b', 'y')
    world.tick()
    await world.runAll()
    assert.deepEqual(world.missing(), [])
    assert.deepEqual(parentsAsked(world.asked), ['parents 2026-01-01T00:00:04.000Z'])
    // The last one that had changed has the very position, so it comes again.
    assert.deepEqual(
      childrenAsked(world.asked),
      ['b x', 'b y', 'd x', 'd y'].map((each) => `children ${each} 2026-01-01T00:00:04.000Z`),
    )
  })

  test('has children of a new value of its list asked for everything', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    world.children.set('old', { id: 'old', parent: 'a', tag: 'z', updated_at: '2025-01-01T00:00:00Z' })
    world.putParent('a', ['x', 'y', 'z'])
    world.asked.length = 0
    await world.runAll()
    assert.ok(world.asked.includes('children a z all'))
    assert.deepEqual(world.missing(), [])
  })

  test('is read as a whole again by fullEvery, and children without a changed parent come then', async () => {
    const world = filled({ over: 1, incremental: { fullEvery: '1h' } })
    await world.runAll()
    // Changes without a change of the parent, before and behind the watermark that another child moves on.
    world.children.set('late', { id: 'late', parent: 'c', tag: 'x', updated_at: world.now() })
    world.tick(60)
    world.putChild('a3', 'a', 'x')
    world.tick(60)
    await world.runAll()
    assert.deepEqual(world.missing(), ['late'])
    world.tick(3600)
    world.asked.length = 0
    await world.runAll()
    assert.deepEqual(world.missing(), [])
    assert.deepEqual(parentsAsked(world.asked), ['parents all'])
    assert.ok(world.asked.includes('children c x 2026-01-01T00:00:04.000Z'), 'from the end of the last full walk')
    world.asked.length = 0
    await world.runAll()
    assert.notDeepEqual(parentsAsked(world.asked), ['parents all'])
  })

  test('stays where it was when a slice fails, and its children are asked again', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    const before = world.checkpoint()?.parents
    for (const id of ['a', 'c']) world.putChild(`${id}3`, id, 'x')
    world.tick()
    world.refuses = (id) => id === 'a'
    assert.equal(await world.runAll(), false)
    assert.deepEqual(world.missing(), ['a3'])
    assert.equal(world.checkpoint()?.parents?.at, before?.at)
    world.refuses = undefined
    await world.runAll()
    assert.deepEqual(world.missing(), [])
    assert.notEqual(world.checkpoint()?.parents?.at, before?.at)
  })

  test('keeps the position of the run that was killed: what has changed since then is for the next one', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    for (const id of ['a', 'c']) world.putChild(`${id}3`, id, 'x')
    world.tick(20)
    world.killAfter = 2
    await assert.rejects(world.runAll(), Killed)
    const { parents: begun, cursor } = world.checkpoint() ?? {}
    assert.ok(cursor !== null && begun?.run !== undefined)
    world.killAfter = Number.POSITIVE_INFINITY
    world.restart()
    // Behind the cursor already.
    world.putChild('a4', 'a', 'x')
    world.tick(20)
    await world.runAll()
    assert.deepEqual([world.missing(), world.checkpoint()?.parents?.at], [['a4'], begun.run.to])
    await world.runAll()
    assert.deepEqual(world.missing(), [])
  })

  test('holds the watermark at the time of a discovery that another partition has made', async () => {
    const world = createWorld({ over: 2 })
    const [a = '', b = ''] = Array.from({ length: 30 }, (_, at) => `p${at}`).filter(
      (id) => partitionOf(sliceOf(world.stream, { parent: id, tag: 'x' }), 2) === 1,
    )
    for (const id of [a, b]) world.putChild(`${id}1`, id, 'x')
    world.tick(10)
    // The last one that has changed, which comes again.
    world.putParent('last', [])
    world.tick(20)
    await world.runAll()
    world.tick(60)
    world.putChild(`${a}2`, a, 'x')
    world.tick(3)
    // Partition 0 has discovered, and has no slice; partition 1 uses its discovery.
    world.onPublish = () => {
      world.onPublish = undefined
      world.putChild(`${b}2`, b, 'x')
      world.tick(2)
      world.putChild(`${a}3`, a, 'x')
      world.tick(2)
    }
    world.asked.length = 0
    await world.runAll()
    assert.deepEqual([world.missing(), parentsAsked(world.asked).length], [[`${b}2`], 1])
    await world.runAll()
    assert.deepEqual(world.missing(), [])
  })

  test('begins with a full walk when the declaration finds other slices', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    const stored = world.checkpoint()?.parents
    assert.ok(stored !== undefined)
    const other = { ...parent({ stream: 'parents', over: 1, values: { parent: '/id' }, incremental: true }) }
    const ids = new Set(
      [{}, { children: { partitions: other } }, { parents: { filter: () => true } }].map(async (more) => {
        const changed = filled({ over: 1, ...more })
        await changed.runAll()
        return changed.checkpoint()?.parents?.id
      }),
    )
    assert.equal(new Set(await Promise.all(ids)).size, 3)
  })

  test('is read as a whole by a full run, from which the next run goes on', async () => {
    const world = filled({ over: 1 })
    await world.runAll()
    world.asked.length = 0
    await world.runAll(true)
    assert.deepEqual(parentsAsked(world.asked), ['parents all'])
    assert.equal(childrenAsked(world.asked).length, 8)
    assert.ok(childrenAsked(world.asked).every((each) => each.endsWith('all')))
    world.asked.length = 0
    await world.runAll()
    assert.equal(childrenAsked(world.asked).length, 2)
  })

  test('is compared record by record where its own slices are found, so that a new one is not missed', async () => {
    const world = filled({
      over: 1,
      parents: {
        partitions: { kind: 'discover', over: 1, values: () => [{ shard: 1 }] },
        watermark: { field: 'changed_at', param: 'since' },
      },
    })
    await world.runAll()
    world.asked.length = 0
    // Old, and new to the list.
    world.parents.set('e', { id: 'e', tags: ['x'], changed_at: '2025-01-01T00:00:00Z' })
    world.children.set('e1', { id: 'e1', parent: 'e', tag: 'x', updated_at: '2025-01-01T00:00:00Z' })
    await world.runAll()
    assert.deepEqual(world.missing(), [])
    assert.deepEqual(
      childrenAsked(world.asked).map((each) => each.slice(0, 'children e x'.length)),
      ['children d x', 'children d y', 'children e x'],
    )
  })

  test('may have children without a watermark, which are asked for everything when it changes', async () => {
    const schema = z.object({ id: z.string(), updated_at: z.string() })
    const world = filled({ over: 1, children: { watermark: undefined, schema } })
    await world.runAll()
    world.putChild('b3', 'b', 'x')
    world.asked.length = 0
    await world.runAll()
    assert.deepEqual(world.missing(), [])
    assert.deepEqual(
      childrenAsked(world.asked),
      ['b x', 'b y', 'd x', 'd y'].map((each) => `children ${each} all`),
    )
  })
})

const WORLDS = 20
const STEPS = 12

test('nothing is lost, whatever changes while it is read, fails, or is killed', async () => {
  const seed = testSeed()
  for (let number = 0; number < WORLDS; number++) {
    const random = randomFrom(seed + number)
    const world = createWorld({ over: between(random, 1, 2), incremental: { fullEvery: '3650d' } })
    let children = 0
    const change = () => {
      const of = `p${between(random, 0, 4)}`
      const isOld = random() < 0.5 && children > 0
      const id = isOld ? `k${between(random, 0, children - 1)}` : `k${children++}`
      const { parent: own = of, tag = `t${between(random, 0, 1)}` } = world.children.get(id) ?? {}
      world.putChild(id, own, tag)
    }
    for (let each = 0; each < 4; each++) change()
    for (let step = 0; step < STEPS; step++) {
      world.onRequest = () => {
        if (random() < 0.15) change()
      }
      world.refuses = random() < 0.3 ? (_, tag) => tag === 't1' : undefined
      world.killAfter = random() < 0.5 ? between(random, 0, 6) : Number.POSITIVE_INFINITY
      try {
        await world.runAll()
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        world.restart()
      }
    }
    world.onRequest = undefined
    world.refuses = undefined
    world.killAfter = Number.POSITIVE_INFINITY
    // The end of a run that was killed, which may have failed before, and the runs after it.
    await world.runAll()
    await world.runAll()
    assert.equal(await world.runAll(), true)
    assert.deepEqual(world.missing(), [], `seed ${seed + number}`)
    world.asked.length = 0
    await world.runAll()
    assert.ok(
      childrenAsked(world.asked).length <= 2 * 2,
      `seed ${seed + number}: the last changed parent at most: ${world.asked}`,
    )
  }
})
