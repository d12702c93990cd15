import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  createSeenRecords,
  publishingAll,
  publishingRecords,
} from '../../../services/fetcher/deduplicate/seen-records.ts'
import type { RejectedRecord, ValidRecord } from '../../../services/fetcher/validate/validated-page.ts'
import { testSeed } from '../../support/seed.ts'

const record = (key: string, version: string): ValidRecord => ({ key, payload: `{"v":"${version}"}`, position: null })
const reject = (raw: string): RejectedRecord => ({ raw, reason: 'invalid_type', issues: '' })
const payloads = (records: readonly ValidRecord[]) => records.map(({ key, payload }) => `${key}${payload}`)

describe('the seen records of a partition', () => {
  test('a changed record is fresh, also one that is what it was before the last time: A, B, A', () => {
    const seenRecords = createSeenRecords(100)
    for (const version of ['A', 'B', 'A'])
      assert.equal(seenRecords.withoutUnchanged([record('k', version)], []).records.length, 1)
  })

  test('an unchanged record is left out and counted', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([record('a', '1'), record('b', '1')], [])
    const fresh = seenRecords.withoutUnchanged([record('a', '1'), record('b', '2'), record('c', '1')], [])
    assert.deepEqual(payloads(fresh.records), ['b{"v":"2"}', 'c{"v":"1"}'])
    assert.equal(fresh.unchanged, 1)
  })

  test('the same key twice on a page: each version that differs from the one before is fresh, in order', () => {
    const fresh = createSeenRecords(100).withoutUnchanged(
      [record('k', '1'), record('k', '1'), record('k', '2'), record('k', '1')],
      [],
    )
    assert.deepEqual(payloads(fresh.records), ['k{"v":"1"}', 'k{"v":"2"}', 'k{"v":"1"}'])
    assert.equal(fresh.unchanged, 1)
  })

  test('equal rejects of a page are one dead letter that says how many, and each counts as refused', () => {
    const fresh = createSeenRecords(100).withoutUnchanged([], [reject('x'), reject('x'), reject('y')])
    assert.deepEqual(
      fresh.rejected.map(({ raw, times }) => [raw, times]),
      [
        ['x', 2],
        ['y', undefined],
      ],
    )
    assert.deepEqual([fresh.refused, fresh.unchanged], [3, 1])
  })

  test('a reject of an earlier run is excused as often as it came there, and no oftener', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([], [reject('x'), reject('x'), reject('y')])
    seenRecords.begin()
    const again = seenRecords.withoutUnchanged([], [reject('x'), reject('x'), reject('y')])
    assert.deepEqual([again.rejected.length, again.refused, again.unchanged], [0, 0, 3])
    const more = seenRecords.withoutUnchanged([], [reject('x'), reject('x'), reject('z')])
    assert.deepEqual(
      [more.rejected.map(({ raw, times }) => [raw, times]), more.refused],
      [
        [
          ['x', 2],
          ['z', undefined],
        ],
        3,
      ],
    )
    seenRecords.begin()
    assert.equal(
      seenRecords.withoutUnchanged(
        [],
        Array.from({ length: 4 }, () => reject('x')),
      ).refused,
      0,
    )
  })

  test('a page that opens with records of the one before does not count their rejects twice', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([], [reject('x'), reject('y')])
    assert.equal(seenRecords.withoutUnchanged([], [reject('y')], null, { repeats: true }).refused, 0)
    assert.equal(
      seenRecords.withoutUnchanged([], [reject('y'), reject('y')], null, { repeats: true, continues: true }).refused,
      2,
    )
  })

  test('rejects of a page that opens with records of the one before count as often as the page or the run has them', () => {
    const seenRecords = createSeenRecords(100)
    const refused = (raws: string[], part: object = {}) =>
      seenRecords.withoutUnchanged([], raws.map(reject), null, part).refused
    assert.equal(refused(['z'], { repeats: true }), 1)
    assert.equal(refused(['z', 'z', 'z'], { repeats: true }), 2)
    assert.equal(refused(['z'], { repeats: true }), 0)
    assert.equal(refused(['z', 'z'], { repeats: true, continues: true }), 0)
    assert.equal(refused(['z'], { repeats: true, continues: true }), 1)
    assert.equal(refused(['z']), 1)
    seenRecords.begin()
    assert.equal(refused(['z', 'z', 'z', 'z', 'z'], { repeats: true }), 0)
    assert.equal(refused(['z'], { repeats: true, continues: true }), 1)
    seenRecords.begin()
    assert.equal(refused(['z', 'z', 'z', 'z', 'z', 'z'], { continues: true }), 0)
  })

  test('what came less often in a later run is excused as often as before that, and no oftener', () => {
    const seenRecords = createSeenRecords(100)
    const run = (count: number): number => {
      seenRecords.begin()
      return seenRecords.withoutUnchanged(
        [],
        Array.from({ length: count }, () => reject('x')),
      ).refused
    }
    assert.deepEqual([3, 1, 3, 0, 4, 4, 5].map(run), [3, 0, 0, 0, 1, 0, 1])
  })

  test('rejects that say how often they came count so often, and one that came once says nothing', () => {
    const seenRecords = createSeenRecords(100)
    const fresh = seenRecords.withoutUnchanged(
      [],
      [{ ...reject('x'), times: 3 }, reject('x'), { ...reject('x'), times: 2 }, reject('y')],
    )
    assert.deepEqual(fresh, {
      records: [],
      rejected: [{ ...reject('x'), times: 6 }, reject('y')],
      unchanged: 2,
      refused: 7,
    })
  })

  test('a record that is refused, and one whose key is what was refused, are two things', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([], [reject('x')])
    assert.equal(seenRecords.withoutUnchanged([record('x', '1')], []).records.length, 1)
    assert.equal(seenRecords.withoutUnchanged([record('x', '1')], [reject('y')]).records.length, 0)
  })

  test('what was forgotten is fresh again, records and rejects', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([record('a', '1')], [reject('x')])
    seenRecords.forget()
    const fresh = seenRecords.withoutUnchanged([record('a', '1')], [reject('x')])
    assert.equal(fresh.records.length + fresh.rejected.length, 2)
    seenRecords.forget()
    seenRecords.begin()
    assert.equal(seenRecords.withoutUnchanged([], [reject('x')]).refused, 1)
    for (let back = 1; back <= 8; back++) {
      const small = createSeenRecords(8)
      const many = Array.from({ length: 20 }, (_, number) => record(`k${number}`, '1'))
      for (const each of many) small.withoutUnchanged([each], [])
      small.forget()
      assert.equal(
        small.withoutUnchanged(many.slice(-back, 21 - back), []).unchanged,
        0,
        `${back} before it was emptied`,
      )
    }
  })

  test('the bound holds: half of it is surely remembered, more than all of it never', () => {
    const seenRecords = createSeenRecords(100)
    const all = Array.from({ length: 1000 }, (_, number) => record(`k${number}`, '1'))
    seenRecords.withoutUnchanged(all, [])
    assert.equal(seenRecords.withoutUnchanged(all.slice(-50), []).unchanged, 50)
    for (const keysMax of [8, 100]) {
      for (let count = 900; count <= 1_000; count++) {
        const second = createSeenRecords(keysMax)
        second.withoutUnchanged(all.slice(0, count), [])
        assert.equal(
          second.withoutUnchanged(all.slice(count - keysMax, count - keysMax + 1), []).unchanged,
          0,
          `of ${count}`,
        )
      }
    }
  })

  test('what is used stays, while others come and go', () => {
    const seenRecords = createSeenRecords(100)
    seenRecords.withoutUnchanged([record('kept', '1')], [])
    for (let number = 0; number < 500; number++) {
      seenRecords.withoutUnchanged([record(`k${number}`, '1')], [])
      assert.equal(seenRecords.withoutUnchanged([record('kept', '1')], []).unchanged, 1, `after ${number}`)
    }
  })

  test('of rejects too, a quarter of the bound is surely remembered, and more than half of it never', () => {
    const rejects = Array.from({ length: 200 }, (_, number) => reject(`no ${number}`))
    const again = (from: number, to?: number): number => {
      const seenRecords = createSeenRecords(100)
      seenRecords.withoutUnchanged([], rejects)
      seenRecords.begin()
      return seenRecords.withoutUnchanged([], rejects.slice(from, to)).unchanged
    }
    assert.equal(again(-25), 25)
    assert.equal(again(0, 150), 0)
  })

  test('a seenRecords of no keys remembers nothing', () => {
    const seenRecords = createSeenRecords(0)
    assert.deepEqual(seenRecords.withoutUnchanged([record('b', '1'), record('b', '1')], [reject('z'), reject('z')]), {
      ...{
        records: [record('b', '1'), record('b', '1')],
        rejected: [reject('z'), reject('z')],
        unchanged: 0,
        refused: 2,
      },
    })
    seenRecords.withoutUnchanged([record('a', '1')], [reject('x')])
    assert.equal(seenRecords.withoutUnchanged([record('a', '1')], [reject('x')]).unchanged, 0)
  })
})

describe('a seenRecords that others look into', () => {
  test('where all is published, it leaves nothing out and remembers what came', () => {
    const seenRecords = createSeenRecords(100)
    const all = publishingAll(seenRecords)
    for (let run = 0; run < 2; run++) {
      all.begin()
      assert.deepEqual(all.withoutUnchanged([record('a', '1')], [reject('x'), reject('x')]), {
        ...{ records: [record('a', '1')], rejected: [reject('x'), reject('x')], unchanged: 0, refused: 2 },
      })
    }
    assert.equal(seenRecords.withoutUnchanged([record('a', '1')], []).unchanged, 1)
    seenRecords.begin()
    assert.equal(seenRecords.withoutUnchanged([], [reject('x'), reject('x')]).refused, 0)
    all.forget()
    assert.equal(seenRecords.withoutUnchanged([record('a', '1')], []).unchanged, 0)
  })

  test('where all records are published, it leaves out only rejects that come again', () => {
    const seenRecords = publishingRecords(createSeenRecords(100))
    seenRecords.withoutUnchanged([record('a', '1')], [reject('x')])
    seenRecords.begin()
    assert.deepEqual(seenRecords.withoutUnchanged([record('a', '1')], [reject('x'), reject('y')]), {
      ...{ records: [record('a', '1')], rejected: [reject('y')], unchanged: 1, refused: 1 },
    })
  })

  test('both hand on what is known of the page', () => {
    for (const publishing of [publishingAll, publishingRecords]) {
      const seenRecords = createSeenRecords(100)
      const looked = publishing(seenRecords)
      looked.withoutUnchanged([], [reject('x'), reject('x')])
      looked.withoutUnchanged([], [reject('x')], null, { repeats: true })
      seenRecords.begin()
      assert.equal(seenRecords.withoutUnchanged([], [reject('x'), reject('x'), reject('x')]).refused, 1)
    }
  })
})

describe('the seenRecords of a sorted walk', () => {
  const at = (number: number, version = '1'): ValidRecord => ({
    ...record(`k${number}`, version),
    position: BigInt(number),
  })
  /** Records 0 to `to`, ten a page, each page with the floor that the one before has left. */
  function walk(seenRecords: ReturnType<typeof createSeenRecords>, to: number, lookback: number): void {
    for (let first = 0; first < to; first += 10) {
      const page = Array.from({ length: 10 }, (_, index) => at(first + index))
      seenRecords.withoutUnchanged(page, [], first === 0 ? null : BigInt(first - lookback))
    }
  }

  test('an older version is not left behind when its successor is let go: what becomes again what it was is fresh', () => {
    const seenRecords = createSeenRecords(100_000)
    seenRecords.withoutUnchanged([at(0, 'A')], [])
    for (let number = 1; number < 12_000; number++) seenRecords.withoutUnchanged([at(number)], [])
    seenRecords.withoutUnchanged([at(0, 'B')], [])
    for (let number = 12_000; number < 24_000; number++)
      seenRecords.withoutUnchanged([at(number)], [], BigInt(number - 1))
    assert.equal(seenRecords.withoutUnchanged([at(0, 'A')], []).records.length, 1)
  })

  test('more than it has keys for is behind the floor: what the lookback brings again is remembered all the same', () => {
    const seenRecords = createSeenRecords(400)
    walk(seenRecords, 10_000, 150)
    const again = Array.from({ length: 150 }, (_, index) => at(9_850 + index))
    assert.equal(seenRecords.withoutUnchanged(again, [], 9_830n).unchanged, 150)
  })

  test('an API that brings what it was not asked for is remembered from then on', () => {
    const seenRecords = createSeenRecords(100_000)
    walk(seenRecords, 20_000, 0)
    const all = Array.from({ length: 20_000 }, (_, number) => at(number))
    assert.ok(seenRecords.withoutUnchanged(all, [], 19_990n).unchanged < 20_000)
    assert.equal(seenRecords.withoutUnchanged(all, [], 19_990n).unchanged, 20_000)
  })

  test('after it was emptied, an API is believed again to keep to what it is asked for', () => {
    for (const isDistrusted of [false, true]) {
      const seenRecords = createSeenRecords(100_000)
      walk(seenRecords, 20_000, 0)
      if (isDistrusted) seenRecords.withoutUnchanged([at(3)], [], 19_990n)
      seenRecords.forget()
      walk(seenRecords, 20_000, 0)
      const first = Array.from({ length: 10 }, (_, number) => at(number))
      assert.equal(seenRecords.withoutUnchanged(first, [], 19_990n).records.length, 10)
    }
  })

  test('a record at the floor may come again, and so may one of which nobody knows where it lies', () => {
    const seenRecords = createSeenRecords(100_000)
    const known = [
      { ...at(0), key: 'at the floor', position: 5_000n },
      { ...at(0), key: 'nowhere', position: null },
      at(4_999),
    ]
    seenRecords.withoutUnchanged(known, [], 5_000n)
    for (let number = 5_000; number < 10_000; number++) seenRecords.withoutUnchanged([at(number)], [], 5_000n)
    const fresh = seenRecords.withoutUnchanged(known, [], 5_000n)
    assert.deepEqual(
      fresh.records.map(({ key }) => key),
      ['k4999'],
    )
  })

  test('keeps the few last records whole, and of large ones fewer: those before them that lie behind the floor are let go', () => {
    /** Whether the first of so many records is still known when the last one has come. */
    const knowsFirst = (
      keysMax: number,
      count: number,
      odd: number,
      even: number,
      seenRecords = createSeenRecords(keysMax),
    ) => {
      const sized = (number: number): ValidRecord => ({
        ...at(number),
        payload: `${number % 10}`.repeat(number % 2 === 1 ? odd : even),
      })
      for (let number = 1; number <= count; number++) seenRecords.withoutUnchanged([sized(number)], [], BigInt(number))
      return seenRecords.withoutUnchanged([sized(1)], [], BigInt(count)).unchanged === 1
    }
    // Two generations: of a quarter of the keys each, or of so many characters.
    assert.deepEqual([knowsFirst(16, 7, 1, 1), knowsFirst(16, 8, 1, 1)], [true, false])
    const large = 1024 * 1024
    assert.deepEqual([knowsFirst(100_000, 3, large, large), knowsFirst(100_000, 4, large, large)], [true, false])
    assert.deepEqual(
      [knowsFirst(100_000, 5, large, large - 1), knowsFirst(100_000, 6, large, large - 1)],
      [true, false],
    )
    const emptied = createSeenRecords(100_000)
    emptied.withoutUnchanged([{ ...at(9), payload: '9'.repeat(large) }], [])
    emptied.forget()
    assert.equal(knowsFirst(100_000, 3, large, large, emptied), true)
  })

  test('whatever an API brings that keeps to what it is asked: a record is left out only if it is what was published last', () => {
    const step = fc.record({
      page: fc.array(fc.record({ key: fc.nat({ max: 9 }), version: fc.nat({ max: 1 }), ahead: fc.nat({ max: 6 }) }), {
        maxLength: 8,
      }),
      rise: fc.nat({ max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(4, 8, 20), (steps, keysMax) => {
        const seenRecords = createSeenRecords(keysMax)
        const published = new Map<string, string>()
        let floor = 0
        for (const { page, rise } of steps) {
          const records = page.map(({ key, version, ahead }) => ({
            ...record(`k${key}`, `${version}`),
            position: BigInt(floor + ahead),
          }))
          floor += rise
          const fresh = new Set(seenRecords.withoutUnchanged(records, [], BigInt(floor)).records)
          for (const each of records) {
            if (fresh.has(each)) published.set(each.key, each.payload)
            else assert.equal(published.get(each.key), each.payload)
          }
        }
      }),
      { seed: testSeed(), numRuns: 1_000 },
    )
  })

  test('whatever comes in whatever order, under whatever floor: a record is left out only if it is what was published last', () => {
    const step = fc.record({
      page: fc.array(
        fc.record({ key: fc.nat({ max: 30 }), version: fc.nat({ max: 2 }), position: fc.option(fc.nat({ max: 60 })) }),
        {
          maxLength: 12,
        },
      ),
      floor: fc.option(fc.nat({ max: 60 })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(4, 8, 20, 100), (steps, keysMax) => {
        const seenRecords = createSeenRecords(keysMax)
        const published = new Map<string, string>()
        for (const { page, floor } of steps) {
          const records = page.map(({ key, version, position }) => ({
            ...record(`k${key}`, `${version}`),
            position: position === null ? null : BigInt(position),
          }))
          const fresh = new Set(
            seenRecords.withoutUnchanged(records, [], floor === null ? null : BigInt(floor)).records,
          )
          for (const each of records) {
            if (fresh.has(each)) published.set(each.key, each.payload)
            else assert.equal(published.get(each.key), each.payload)
          }
        }
      }),
      { seed: testSeed(), numRuns: 2_000 },
    )
  })
})
