/**
 * Fewer and larger inserts while a table has many parts: what is decided, when it is looked, and what a batch makes of
 * it.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { LEDGER_TABLE } from '#shared/names.ts'
import {
  adaptedAfter,
  type DataParts,
  GATHER_MS,
  STRETCH_MAX,
  stretchedLimits,
  waitToClose,
} from '../../../services/loader/batch/adaptive-limits.ts'
import type { Failure } from '../../../services/loader/failures/classify-error.ts'
import { createDataPartsMonitor } from '../../../services/loader/insert/data-parts-monitor.ts'
import { virtualClock } from '../../support/clocks.ts'

const LIMITS = { batchRows: 100, batchBytes: 1_000, batchAgeMs: 1_000, insertsPerSecond: 4 }
const of100 = (most: number): DataParts => ({ most, delayAt: 100 })

describe('batches', () => {
  test('are stretched twice as far at each look while parts come near the delay, up to a bound, and back once they are few', () => {
    let stretch = 1
    const see = (most: number) => {
      stretch = adaptedAfter(stretch, of100(most))
      return stretch
    }
    assert.deepEqual([10, 49, 50, 99, 120, 3000].map(see), [1, 1, 2, 4, 8, 16])
    for (let look = 0; look < 10; look++) see(3000)
    assert.equal(stretch, STRETCH_MAX)
    assert.deepEqual([49, 25].map(see), [STRETCH_MAX, STRETCH_MAX], 'between both bounds nothing changes')
    assert.deepEqual([24, 0, 0].map(see), [16, 8, 4])
    for (let look = 0; look < 10; look++) see(0)
    assert.equal(stretch, 1)
    assert.equal(adaptedAfter(8, { most: 5_000, delayAt: 0 }), 1, 'where nothing is ever delayed')
  })

  test('wait longer, but never for more than half a minute or less than they were told to, and grow less than they wait', () => {
    assert.deepEqual(stretchedLimits(LIMITS, 1), LIMITS)
    const stretched = (times: number, batchAgeMs: number) => ({
      ...{ batchRows: 100 * times, batchBytes: 1_000 * times, batchAgeMs },
      insertsPerSecond: 4,
    })
    assert.deepEqual(stretchedLimits(LIMITS, 2), stretched(2, 2_000))
    assert.deepEqual(stretchedLimits(LIMITS, STRETCH_MAX), stretched(4, 30_000))
    assert.equal(stretchedLimits({ ...LIMITS, batchAgeMs: 60_000 }, 8).batchAgeMs, 60_000)
  })
})

describe('an open batch waits', () => {
  const NEVER = Number.NEGATIVE_INFINITY
  const waits = (openedMs: number, closedMs: number, hasRunEnd: boolean, nowMs: number, batchAgeMs = 1_000) =>
    waitToClose({ ...LIMITS, batchAgeMs }, { openedMs, closedMs, hasRunEnd }, nowMs)

  test('for its age while a run goes on, and only to gather where one has ended and none was closed before', () => {
    assert.equal(waits(5_000, NEVER, false, 5_000), 1_000)
    assert.equal(waits(5_000, 4_999, false, 5_000), 1_000)
    assert.equal(waits(5_000, NEVER, true, 5_000), GATHER_MS)
    assert.equal(waits(5_000, 4_000, true, 5_300), GATHER_MS)
  })

  test('for an age after the one before where runs end often, and never beyond its own', () => {
    assert.equal(waits(5_000, 4_600, true, 5_000), 600)
    assert.equal(waits(5_000, NEVER, true, 5_995), 5, 'not longer than its age, to gather')
    assert.equal(waits(5_000, NEVER, true, 7_000), 0)
  })

  test('until the next insert is allowed, however short the age is', () => {
    assert.equal(waits(5_000, 4_990, false, 5_000, 10), 240)
    assert.equal(waits(5_000, 4_990, true, 5_000, 10), 240)
    assert.equal(waits(5_000, 4_700, true, 5_000, 10), 10)
  })

  test('no longer than that where the clock was set back', () => {
    assert.equal(waits(5_000, 3_600_000, true, 5_000), 1_250)
    assert.equal(waits(3_600_000, 3_600_000, false, 5_000), 1_250)
  })
})

describe('the pressure', () => {
  function scene(parts: (table: string) => Promise<DataParts | null>) {
    const clock = virtualClock()
    const looks: string[] = []
    const looking = (table: string) => {
      looks.push(table)
      return parts(table)
    }
    const partsMonitor = createDataPartsMonitor({ dataParts: looking, clock, log: silentLog, metrics: createMetrics() })
    let answer: Failure | null = null
    const writer = partsMonitor.observing({
      insert: async () => answer,
      run: async () => ({ failure: null, rows: 0 }),
      ask: async () => ({ failure: null, row: null }),
    })
    const insert = async (table: string) => {
      const failure = await writer.insert(
        { database: 'd', table, body: [], rows: 1, token: 't' },
        new AbortController().signal,
      )
      await new Promise((resolve) => setImmediate(resolve))
      return failure
    }
    return { clock, looks, partsMonitor, insert, fail: (failure: Failure) => (answer = failure) }
  }

  test('is looked for after inserts, seldom, by table; the parts of the ledger count for all', async () => {
    const { clock, looks, partsMonitor, insert } = scene(async (table) => of100(table === 'b' ? 10 : 90))
    for (let count = 0; count < 5; count++) await insert('a')
    await insert('b')
    assert.deepEqual(
      [looks, partsMonitor.stretchOf('a'), partsMonitor.stretchOf('b'), partsMonitor.stretchOf(null)],
      [['a', 'b'], 2, 1, 1],
    )
    await clock.runTo(2_000)
    await insert('a')
    assert.deepEqual([looks.length, partsMonitor.stretchOf('a')], [3, 4])
    await insert(LEDGER_TABLE)
    assert.deepEqual(
      [partsMonitor.stretchOf('a'), partsMonitor.stretchOf('b'), partsMonitor.stretchOf(null)],
      [4, 2, 2],
    )
    await clock.runTo(70_000)
    assert.equal(partsMonitor.stretchOf('a'), 1, 'what was long ago is forgotten')
  })

  test('a look that is never answered holds up no insert, and four of them end the looking', async () => {
    const { clock, partsMonitor, insert, looks } = scene((table) =>
      table === 'e' ? Promise.resolve(of100(90)) : new Promise(() => undefined),
    )
    for (const table of ['a', 'b', 'c']) assert.equal(await insert(table), null)
    assert.deepEqual([await insert('e'), partsMonitor.stretchOf('e')], [null, 2])
    await clock.runTo(2_000)
    for (const table of ['a', 'b', 'c', 'd', 'e']) assert.equal(await insert(table), null)
    assert.deepEqual(
      [looks, partsMonitor.stretchOf('a'), partsMonitor.stretchOf('e')],
      [['a', 'b', 'c', 'e', 'd'], 1, 2],
    )
  })

  test('a look that fails changes nothing, and the answer of the insert stays what it was', async () => {
    const { partsMonitor, insert, fail, looks } = scene(async () => {
      throw new Error('no right to read system.parts')
    })
    assert.equal(await insert('a'), null)
    const overload: Failure = { kind: 'overload', code: 252, name: 'TOO_MANY_PARTS', message: '', row: null }
    fail(overload)
    assert.equal(await insert('a'), overload)
    assert.deepEqual([partsMonitor.stretchOf('a'), looks], [1, ['a']])
  })
})
