import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Failure, tableFailure } from '../../services/loader/classify.ts'
import { Flooded } from '../../services/loader/flood.ts'
import { INSERTS_MAX, isolate } from '../../services/loader/isolate.ts'
import { type Piece, rowNumbers } from '../../services/loader/rows.ts'
import { testSeed } from '../support/seed.ts'

type Simulated = { rows: number; bad: ReadonlySet<number>; seen: ReadonlySet<number>; naming: 'exact' | 'next' | 'none' }

/** A ClickHouse that refuses `bad` rows; the schema sees through those in `seen`. It names the row, the one after it, or none. */
async function simulate({ rows, bad, seen, naming }: Simulated) {
  const loaded = new Set<number>()
  let inserts = 0
  const failed = (row: number | null): Failure => ({ kind: 'data', code: 27, name: 'BAD', message: 'bad', row })
  const insert = async (piece: Piece): Promise<Failure | null> => {
    inserts++
    const numbers = [...rowNumbers(piece)]
    const at = numbers.findIndex((row) => bad.has(row))
    if (at === -1) {
      for (const row of numbers) loaded.add(row)
      return null
    }
    return failed(naming === 'none' ? null : naming === 'exact' || at + 1 === numbers.length ? at + 1 : at + 2)
  }
  const whole: Piece = [[0, rows]]
  const first = await insert(whole)
  const check = (row: number) => (seen.has(row) ? ['/: is wrong'] : [])
  const letters = first === null ? [] : await isolate(whole, first, { topic: 't', insert, check, allow: () => undefined })
  return { loaded, refused: letters.map(({ row }) => row).sort((a, b) => a - b), inserts }
}

const good = ({ rows, bad }: Simulated) => Array.from({ length: rows }, (_, row) => row).filter((row) => !bad.has(row))

describe('isolating rows', () => {
  const seed = testSeed()

  test('refuses every bad row and no other, loads all the rest, however rows are named', () => {
    const scenes = fc.record({
      rows: fc.integer({ min: 1, max: 60 }),
      bad: fc.uniqueArray(fc.nat(59), { maxLength: 12 }),
      unseen: fc.uniqueArray(fc.nat(59), { maxLength: 4 }),
      naming: fc.constantFrom('exact' as const, 'next' as const, 'none' as const),
    })
    return fc.assert(
      fc.asyncProperty(scenes, async ({ rows, bad, unseen, naming }) => {
        const inside = new Set(bad.filter((row) => row < rows))
        // A row that is blamed for its neighbour is always one that cannot be read, which the check sees.
        const seen = naming === 'next' ? inside : new Set([...inside].filter((row) => !unseen.includes(row)))
        const scene = { rows, bad: inside, seen, naming }
        const { loaded, refused } = await simulate(scene)
        assert.deepEqual(
          refused,
          [...inside].sort((a, b) => a - b),
        )
        assert.deepEqual(
          [...loaded].sort((a, b) => a - b),
          good(scene),
        )
      }),
      { seed },
    )
  })

  test('takes a handful of inserts when the schema knows better, and one or two a row when it does not', async () => {
    const bad = new Set(Array.from({ length: 100 }, (_, at) => at * 97))
    assert.ok((await simulate({ rows: 10_000, bad, seen: bad, naming: 'exact' })).inserts <= 7)
    assert.ok((await simulate({ rows: 10_000, bad, seen: new Set(), naming: 'exact' })).inserts <= 2 * bad.size + 3)
  })

  test('gives up after a bounded number of inserts', async () => {
    const bad = new Set(Array.from({ length: 1_000 }, (_, at) => at * 5))
    await assert.rejects(simulate({ rows: 5_000, bad, seen: new Set(), naming: 'exact' }), Flooded)
    assert.ok(INSERTS_MAX < 1_000)
  })

  test('stops as soon as it is not allowed to go on', async () => {
    const allow = (refused: number) => {
      if (refused > 1) throw new Flooded('t', { records: 10, refused }, 'BAD')
    }
    const insert = async (piece: Piece): Promise<Failure | null> => ({
      ...tableFailure('BAD', ''),
      kind: 'data',
      row: [...rowNumbers(piece)].length,
    })
    await assert.rejects(
      isolate([[0, 10]], { ...tableFailure('BAD', ''), kind: 'data', row: 1 }, { topic: 't', insert, check: () => ['wrong'], allow }),
      Flooded,
    )
  })
})
