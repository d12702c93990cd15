import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Piece, rowNumbers } from '../../../services/loader/batch/row-ranges.ts'
import { type Failure, tableFailure } from '../../../services/loader/failures/classify-error.ts'
import { RejectionLimitReached } from '../../../services/loader/failures/rejection-limit.ts'
import { INSERTS_MAX, isolate } from '../../../services/loader/insert/isolate-rows.ts'
import { testSeed } from '../../support/seed.ts'

type Naming = 'exact' | 'next' | 'beyond' | 'none'
type Simulated = { rows: number; bad: ReadonlySet<number>; seen: ReadonlySet<number>; naming: Naming }

/**
 * A ClickHouse that refuses `bad` rows; the schema sees through those in `seen`. It names the row, the one after it,
 * one that is not there, or none.
 */
async function simulate({ rows, bad, seen, naming }: Simulated) {
  const loaded = new Set<number>()
  const allowed: [refused: number, first: string][] = []
  let inserts = 0
  const failed = (row: number | null, of: number): Failure => ({
    kind: 'data',
    code: 27,
    name: `BAD_${of}`,
    message: `bad: ${of}`,
    row,
  })
  const insert = async (piece: Piece): Promise<Failure | null> => {
    inserts++
    const numbers = [...rowNumbers(piece)]
    assert.ok(numbers.length > 0, 'an insert of nothing')
    const at = numbers.findIndex((row) => bad.has(row))
    if (at === -1) {
      for (const row of numbers) {
        assert.ok(!loaded.has(row), `row ${row} goes in twice`)
        loaded.add(row)
      }
      return null
    }
    const named = { exact: at + 1, next: Math.min(at + 2, numbers.length), beyond: numbers.length + 1, none: null }[
      naming
    ]
    return failed(named, numbers[at] as number)
  }
  const whole: Piece = [[0, rows]]
  const first = await insert(whole)
  const check = (row: number) => (seen.has(row) ? ['/: is wrong', ...(row % 2 === 0 ? ['/id: too'] : [])] : [])
  const allow = (refused: number, name: string) => void allowed.push([refused, name])
  const letters = first === null ? [] : await isolate(whole, first, { topic: 't', insert, check, allow })
  return { loaded, letters, allowed, refused: letters.map(({ row }) => row).sort((a, b) => a - b), inserts }
}

const good = ({ rows, bad }: Simulated) => Array.from({ length: rows }, (_, row) => row).filter((row) => !bad.has(row))

describe('isolating rows', () => {
  const seed = testSeed()

  test('refuses every bad row and no other, loads all the rest, however rows are named', () => {
    const scenes = fc.record({
      rows: fc.integer({ min: 1, max: 60 }),
      bad: fc.uniqueArray(fc.nat(59), { maxLength: 12 }),
      unseen: fc.uniqueArray(fc.nat(59), { maxLength: 4 }),
      naming: fc.constantFrom<Naming[]>('exact', 'next', 'beyond', 'none'),
    })
    return fc.assert(
      fc.asyncProperty(scenes, async ({ rows, bad, unseen, naming }) => {
        const inside = new Set(bad.filter((row) => row < rows))
        // A row that is blamed for its neighbour is always one that cannot be read, which the check sees.
        const seen = naming === 'next' ? inside : new Set([...inside].filter((row) => !unseen.includes(row)))
        const scene = { rows, bad: inside, seen, naming }
        const { loaded, refused, letters, allowed } = await simulate(scene)
        assert.deepEqual(
          refused,
          [...inside].sort((a, b) => a - b),
        )
        assert.deepEqual(
          [...loaded].sort((a, b) => a - b),
          good(scene),
        )
        assert.deepEqual(
          [allowed.at(-1)?.[0] ?? 0, allowed.map(([many]) => many)],
          [inside.size, allowed.map(([many]) => many).sort((a, b) => a - b)],
        )
        for (const { row, reason, issues } of letters) {
          if (reason === 'schema')
            assert.ok(
              seen.has(row) && issues === (row % 2 === 0 ? '/: is wrong; /id: too' : '/: is wrong'),
              `${row}: ${issues}`,
            )
          // What the schema sees may have been named with its neighbour's failure.
          else
            assert.ok(
              issues === reason.replace('BAD_', 'bad: ') && (seen.has(row) || reason === `BAD_${row}`),
              `${row}: ${reason}`,
            )
        }
      }),
      { seed },
    )
  })

  test('finds rows that nobody names and the schema allows by halving', async () => {
    const { letters, loaded, inserts } = await simulate({
      rows: 7,
      bad: new Set([2, 6]),
      seen: new Set(),
      naming: 'none',
    })
    assert.deepEqual(
      letters,
      [2, 6].map((row) => ({ row, reason: `BAD_${row}`, issues: `bad: ${row}` })),
    )
    assert.deepEqual([[...loaded], inserts], [[0, 1, 3, 4, 5], 12])
  })

  test('takes a handful of inserts when the schema knows better, and one or two a row when it does not', async () => {
    const bad = new Set(Array.from({ length: 100 }, (_, at) => at * 97))
    // The whole, what follows each of the first three, what the schema has left, and what lay before those three.
    assert.equal((await simulate({ rows: 10_000, bad, seen: bad, naming: 'exact' })).inserts, 6)
    assert.equal((await simulate({ rows: 10_000, bad, seen: new Set(), naming: 'exact' })).inserts, 2 * bad.size + 3)
    // The last row is one like the others, and one that is not there is none.
    assert.equal((await simulate({ rows: 100, bad: new Set([99]), seen: new Set(), naming: 'exact' })).inserts, 3)
    assert.equal((await simulate({ rows: 100, bad, seen: bad, naming: 'beyond' })).inserts, 2)
  })

  test('gives up after a bounded number of inserts', async () => {
    const bad = new Set(Array.from({ length: 1_000 }, (_, at) => at * 5))
    await assert.rejects(simulate({ rows: 5_000, bad, seen: new Set(), naming: 'exact' }), (error) => {
      assert.ok(error instanceof RejectionLimitReached)
      assert.match(error.message, new RegExp(`^${INSERTS_MAX / 2} of 5000 records of t are refused \\(BAD_0\\)`))
      return true
    })
    const enough = new Set([...bad].slice(0, INSERTS_MAX / 2 - 1))
    assert.equal(
      (await simulate({ rows: 750, bad: enough, seen: new Set(), naming: 'exact' })).inserts,
      INSERTS_MAX + 1,
    )
  })

  test('stops as soon as it is not allowed to go on', async () => {
    const allow = (refused: number) => {
      if (refused > 1) throw new RejectionLimitReached('t', { records: 10, refused }, 'BAD')
    }
    const insert = async (piece: Piece): Promise<Failure | null> => ({
      ...tableFailure('BAD', ''),
      kind: 'data',
      row: [...rowNumbers(piece)].length,
    })
    await assert.rejects(
      isolate(
        [[0, 10]],
        { ...tableFailure('BAD', ''), kind: 'data', row: 1 },
        { topic: 't', insert, check: () => ['wrong'], allow },
      ),
      RejectionLimitReached,
    )
  })
})
