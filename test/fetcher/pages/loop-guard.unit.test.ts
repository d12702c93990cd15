import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { createLoopGuard } from '../../../services/fetcher/pages/loop-guard.ts'
import type { PageStep } from '../../../services/fetcher/pages/paginators/paginator-for.ts'
import { declareOrders } from '../declared.ts'

const stream = declareOrders()
type Seen = readonly [records: readonly unknown[], step?: Partial<PageStep>]

/** What the guard says of the last of these pages; none before it is refused. Null: nothing. */
function said(pages: readonly Seen[], from: unknown = null): string | null {
  const refuse = createLoopGuard(stream, from)
  for (const [index, [records, step]] of pages.entries()) {
    try {
      refuse(index + 1, records, { cursor: `cursor ${index + 1}`, ...step })
    } catch (error) {
      assert.ok(error instanceof Stopped)
      assert.equal(error.code, 'HR_REPEATED_PAGE')
      assert.equal(index, pages.length - 1, `page ${index + 1}: ${error.message}`)
      return error.message
    }
  }
  return null
}

/** Pages of one record each. */
const plain = (...names: string[]): Seen[] => names.map((name) => [[name]])
const END = { walkedTo: 1n }

describe('a cursor that was there before is a cycle', () => {
  test('of any page of the walk, not only of the last one', () => {
    const named = (...cursors: unknown[]): Seen[] => cursors.map((cursor, index) => [[index], { cursor }])
    assert.equal(said(named('A', 'A')), 'shop.orders: page 2 names the same next page as page 1: a cycle')
    assert.equal(said(named('A', 'B', 'C', 'A')), 'shop.orders: page 4 names the same next page as page 1: a cycle')
    assert.equal(said(named('A', 'B', 'C', 'B')), 'shop.orders: page 4 names the same next page as page 2: a cycle')
    assert.match(said(named({ page: 1 }, { page: 2 }, { page: 1 })) ?? '', /page 3 names the same next page as page 1/)
    assert.equal(said(named('A', 'B', 'C', null)), null)
    assert.equal(said(named(1, '1', { page: 1 })), null)
  })

  test('that of the page which an interrupted run went on from is one too', () => {
    assert.equal(
      said([[['a'], { cursor: 'X' }]], 'X'),
      'shop.orders: page 1 names the page that the run resumed from: a cycle',
    )
    assert.match(
      said([...plain('a', 'b'), [['c'], { cursor: { at: 3 } }]], { at: 3 }) ?? '',
      /page 3 names the page that the run resumed from/,
    )
    assert.equal(said(plain('a', 'b'), 'X'), null)
  })

  test('also where windows lie in between, since a cursor names its window', () => {
    assert.match(
      said([
        [['a'], { cursor: 'X' }],
        [['b'], { cursor: 'Y', ...END }],
        [['c'], { cursor: 'X' }],
      ]) ?? '',
      /same next page as page 1/,
    )
  })

  test('the end of a walk names none, however often', () => {
    assert.equal(
      said(
        [
          [['a'], { cursor: null }],
          [['b'], { cursor: null }],
        ],
        null,
      ),
      null,
    )
  })
})

describe('the same records under another cursor', () => {
  test('are a repetition of the first page that had them', () => {
    assert.equal(said(plain('a', 'a')), 'shop.orders: page 2 has the same records as page 1')
    assert.equal(said(plain('a', 'b', 'c', 'a')), 'shop.orders: page 4 has the same records as page 1')
    assert.equal(said(plain('a', 'b', 'c', 'b')), 'shop.orders: page 4 has the same records as page 2')
    assert.equal(said(plain('a', 'b', 'c')), null)
  })

  test('are told by their number, the first and the last one', () => {
    assert.notEqual(said([[['a', 'b', 'c']], [['a', 'x', 'c']]]), null)
    for (const other of [
      ['a', 'c'],
      ['a', 'b', 'b', 'c'],
      ['x', 'b', 'c'],
      ['a', 'b', 'x'],
      ['c', 'b', 'a'],
    ])
      assert.equal(said([[['a', 'b', 'c']], [other]]), null)
  })

  test('are nothing where there are none', () => {
    assert.equal(said([[[]], [[]], [['a']], [[]]]), null)
    assert.match(said([[[]], [['a']], [[]], [['a']]]) ?? '', /page 4 has the same records as page 2/)
  })

  test('may come again where the paginator says that a page holds no others, but not where some are new', () => {
    assert.equal(said([...plain('a'), [['a'], { repeats: 'all' }], [['a'], { repeats: 'all' }]]), null)
    assert.match(said([...plain('a'), [['a'], { repeats: 'some' }]]) ?? '', /page 2 has the same records as page 1/)
    assert.match(
      said([...plain('a', 'b'), [['a'], { repeats: 'all' }], ...plain('a')]) ?? '',
      /page 4 has the same records as page 1/,
    )
  })
})

describe('a walk in windows', () => {
  const ending = (name: string): Seen => [[name], END]

  test('may have a page again in another window, where it is not the first of it', () => {
    assert.equal(said([...plain('a'), ending('b'), ...plain('c'), ending('b'), ...plain('d'), ending('a')]), null)
  })

  test('has none again within a window', () => {
    assert.match(said([ending('a'), ...plain('b', 'c', 'b')]) ?? '', /page 4 has the same records as page 2/)
    assert.match(said([ending('a'), ...plain('b', 'c', 'c')]) ?? '', /page 4 has the same records as page 3/)
  })

  test('has no window that begins like an earlier one', () => {
    assert.match(said([ending('a'), ending('b'), ...plain('a')]) ?? '', /page 3 has the same records as page 1/)
    assert.match(
      said([ending('a'), [[], END], ending('b'), [['b'], END]]) ?? '',
      /page 4 has the same records as page 3/,
    )
    assert.equal(said([...plain('a'), ending('b'), ...plain('b')]), null)
  })

  test('names the first window that began so, also behind one that was allowed to', () => {
    assert.match(
      said([ending('a'), [['a'], { ...END, repeats: 'all' }], ...plain('a')]) ?? '',
      /page 3 has the same records as page 1/,
    )
  })
})
