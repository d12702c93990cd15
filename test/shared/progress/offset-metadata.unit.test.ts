import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  CHECKPOINT_BYTES_MAX,
  type Checkpoint,
  COMMIT_BYTES_MAX,
  type Commit,
  checkpointText,
  commitText,
  parseCheckpoint,
  parseCommit,
  reachedOf,
} from '#shared/progress/offset-metadata.ts'
import { parseSkip } from '#shared/progress/skip.ts'
import { boundedWatermark, WATERMARK_BYTES_MAX } from '#shared/watermark.ts'
import { anyText } from '../../support/any-text.ts'
import { testSeed } from '../../support/seed.ts'

const seed = testSeed()
const texts = fc.oneof(
  anyText({ maxLength: 900 }),
  fc.string({ minLength: 400, maxLength: 6_000 }),
  fc.constant('ü'.repeat(5_000)),
)
const offsets = fc.maxSafeNat()
const lost = fc.record({ from: offsets, below: offsets })
const DATE_MAX_MS = 8.64e15

type Json = Record<string, unknown>

/** The same with one value changed; names of objects within are separated by dots. */
function changed(value: Json, path: string, to: unknown): Json {
  const [name = '', ...rest] = path.split('.')
  return { ...value, [name]: rest.length === 0 ? to : changed(value[name] as Json, rest.join('.'), to) }
}

/** Reads a text whose value at `path` is at each bound, and none where it is outside. */
function assertBounds(
  value: object,
  path: string,
  [first, last]: readonly [number, number | null],
  isRead: (text: string) => boolean,
): void {
  const answers = (tried: readonly unknown[]) =>
    tried.map((each) => isRead(JSON.stringify(changed(value as Json, path, each))))
  const most = last ?? Number.MAX_SAFE_INTEGER
  assert.deepEqual(answers([first, first + 1, most]), [true, true, true], path)
  assert.deepEqual(answers([first - 1, most + 1, String(first), null]), [false, false, false, false], path)
}

describe('a watermark that is too long', () => {
  test('is cut to its beginning, which sorts before it, and inside no character', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const short = boundedWatermark(text)
        if (short === null) return text === ''
        const bytes = Buffer.byteLength(JSON.stringify(short)) - 2
        return (
          short <= text &&
          text.startsWith(short) &&
          bytes <= WATERMARK_BYTES_MAX &&
          (!text.isWellFormed() || short.isWellFormed())
        )
      }),
      { seed },
    )
    assert.equal(boundedWatermark(''), null)
    assert.equal(boundedWatermark('x'.repeat(600)), 'x'.repeat(240))
    assert.equal(boundedWatermark('ü'.repeat(5_000)), 'ü'.repeat(120))
    assert.equal(boundedWatermark('"'.repeat(121)), '"'.repeat(120), 'as JSON each takes two')
    assert.equal(boundedWatermark('2026-01-01T00:00:00.123456789Z'), '2026-01-01T00:00:00.123456789Z')
    assert.equal(boundedWatermark('x'.repeat(WATERMARK_BYTES_MAX)), 'x'.repeat(WATERMARK_BYTES_MAX))
    assert.equal(boundedWatermark(`${'x'.repeat(WATERMARK_BYTES_MAX - 1)}😀`), 'x'.repeat(WATERMARK_BYTES_MAX - 1))
  })
})

describe('a commit', () => {
  const full: Commit = {
    ...{
      v: 1,
      offset: 7,
      watermark: 'w',
      open: 2,
      share: 's',
      rowless: true,
      wholeFrom: 3,
      lost: { from: 4, below: 5 },
    },
    ...{ deletes: { rows: 6, withheld: { run: 'r', rows: 1, of: 2, startedMs: 3 } }, doubted: 1 },
  }
  const isRead = (text: string) => parseCommit(7, text) !== null

  test('of another offset or version, or that is no JSON, is none', () => {
    const text = commitText(full)
    for (const offset of [6, 8, -2, 70]) assert.equal(parseCommit(offset, text), null)
    const strange = [
      '',
      'null',
      '[]',
      '7',
      text.slice(0, -1),
      ...[{ v: 2 }, { offset: '7' }].map((each) => JSON.stringify({ ...full, ...each })),
    ]
    for (const each of strange) assert.equal(parseCommit(7, each), null, each)
  })

  test('is none when a part of it is not what it can be', () => {
    for (const path of [
      'open',
      'wholeFrom',
      'lost.from',
      'lost.below',
      'deletes.rows',
      'doubted',
      'deletes.withheld.rows',
      'deletes.withheld.of',
    ]) {
      assertBounds(full, path, [0, null], isRead)
    }
    for (const [path, value] of [
      ['rowless', false],
      ['watermark', 7],
      ['share', null],
      ['deletes.withheld.startedMs', 0.5],
    ] as const) {
      assert.equal(isRead(JSON.stringify(changed(full, path, value))), false, path)
    }
    assert.notEqual(parseCommit(0, JSON.stringify({ ...full, offset: 0 })), null)
    assert.equal(parseCommit(-1, JSON.stringify({ ...full, offset: -1 })), null)
  })

  test('is read as it was written, with everything or with nothing in it', () => {
    assert.deepEqual(parseCommit(7, commitText(full)), full)
    assert.deepEqual(parseCommit(0, commitText({ v: 1, offset: 0, watermark: null })), {
      v: 1,
      offset: 0,
      watermark: null,
    })
  })

  test('is cut no more than it must be: first the watermark, then with its share, then the deletes', () => {
    const read = (commit: Commit) => parseCommit(7, commitText(commit))
    const bytes = (commit: Commit) => Buffer.byteLength(JSON.stringify(commit))
    const long = (watermark: string): Commit => ({ ...full, watermark })
    const room = COMMIT_BYTES_MAX - bytes(long(''))
    assert.deepEqual(read(long('x'.repeat(room))), long('x'.repeat(room)))
    for (const chars of [room + 1, 600, 5_000]) assert.deepEqual(read(long('x'.repeat(chars))), long('x'.repeat(240)))
    assert.deepEqual(read(long('')), long(''))
    const { share: _, ...shareless } = full
    const wide = 'r'.repeat(
      COMMIT_BYTES_MAX -
        bytes({ ...shareless, watermark: null, deletes: { withheld: { run: '', rows: 1, of: 2, startedMs: 3 } } }),
    )
    const deletes = { withheld: { run: wide, rows: 1, of: 2, startedMs: 3 } }
    assert.deepEqual(read({ ...full, deletes }), { ...shareless, watermark: null, deletes })
    const wider = { withheld: { ...deletes.withheld, run: `${wide}r` } }
    const { deletes: __, ...places } = shareless
    assert.deepEqual(read({ ...full, deletes: wider }), { ...places, watermark: null })
  })

  test('always fits, whatever the marker or the group said before, and keeps its offset', () => {
    const commits: fc.Arbitrary<Commit> = fc.record(
      {
        ...{
          v: fc.constant(1 as const),
          offset: offsets,
          watermark: fc.option(texts),
          share: texts,
          open: offsets,
          wholeFrom: offsets,
          lost,
        },
        ...{ rowless: fc.constant(true as const), doubted: offsets },
        deletes: fc.record({ withheld: fc.record({ run: texts, rows: offsets, of: offsets, startedMs: offsets }) }),
      },
      { requiredKeys: ['v', 'offset', 'watermark'] },
    )
    fc.assert(
      fc.property(commits, (commit) => {
        const text = commitText(commit)
        const read = parseCommit(commit.offset, text)
        assert.ok(Buffer.byteLength(text) <= COMMIT_BYTES_MAX)
        assert.ok(read !== null && (read.watermark === null || commit.watermark?.startsWith(read.watermark)))
        // A watermark is true of its share only.
        assert.ok(read.watermark === null || read.share === commit.share)
        assert.equal(JSON.stringify(read.lost), JSON.stringify(commit.lost))
      }),
      { seed },
    )
  })
})

describe('a checkpoint', () => {
  const checkpoint: Checkpoint = {
    ...{
      v: 1,
      run: 'r',
      page: 3,
      startedMs: 1,
      done: false,
      from: null,
      cursor: { at: 'x' },
      watermark: 'w',
      seen: null,
    },
  }

  test('always fits, also with texts as long as a record: a watermark that is cut asks for more', () => {
    fc.assert(
      fc.property(texts, texts, texts, (from, watermark, seen) => {
        const text = checkpointText({
          ...checkpoint,
          from,
          watermark,
          seen,
          full: { reached: seen },
          known: 'k'.repeat(2_400),
        })
        const read = parseCheckpoint(text)
        assert.ok(Buffer.byteLength(text) <= CHECKPOINT_BYTES_MAX)
        assert.ok(watermark.startsWith(read?.watermark ?? '') && seen.startsWith(read?.seen ?? ''))
        assert.equal(read?.page, 3)
      }),
      { seed },
    )
  })

  const full: Checkpoint = {
    ...checkpoint,
    ...{
      unordered: true,
      full: { reached: 'f' },
      stampMs: 5,
      aheadMs: 0.5,
      gaveUp: 'g',
      held: 'h',
      coveredBelow: 4,
      share: 's',
      known: 'k',
    },
    totals: { records: 1, deadLetters: 2, unchanged: 3, requests: 4, retries: 5, drift: ['a', 'b'] },
    walk: { from: 1, atMs: 2, brought: true, lacks: 'l', allowed: true, records: 3, before: 4 },
    size: { longest: 1, read: 2, total: 3, pages: 4, partial: true, more: true, agreed: true },
    ...{ whole: 9, range: { from: 'a', to: 'b' } },
  }
  const isRead = (text: string) => parseCheckpoint(text) !== null

  test('is read as it was written, with everything or with nothing in it', () => {
    for (const each of [checkpoint, full]) assert.deepEqual(parseCheckpoint(checkpointText(each)), each)
  })

  test('is none when a part of it is not what it can be', () => {
    const counts = [
      'page',
      'coveredBelow',
      'whole',
      'walk.from',
      'walk.records',
      'walk.before',
      'size.longest',
      'size.read',
      'size.total',
      'size.pages',
    ]
    const totals = ['records', 'deadLetters', 'unchanged', 'requests', 'retries'].map((name) => `totals.${name}`)
    for (const path of [...counts, ...totals]) assertBounds(full, path, [0, null], isRead)
    for (const path of ['startedMs', 'stampMs', 'walk.atMs'])
      assertBounds(full, path, [-DATE_MAX_MS, DATE_MAX_MS], isRead)
    const wrong: [path: string, value: unknown][] = [
      ...['walk.brought', 'walk.allowed', 'size.partial', 'size.more', 'size.agreed'].map((path): [string, false] => [
        path,
        false,
      ]),
      ...[0, 2, '1'].map((version): [string, unknown] => ['v', version]),
      ...[-0.1, '1', null].map((ahead): [string, unknown] => ['aheadMs', ahead]),
      ...['done', 'from', 'watermark', 'seen', 'run'].map((path): [string, undefined] => [path, undefined]),
    ]
    for (const [path, value] of wrong) assert.equal(isRead(JSON.stringify(changed(full, path, value))), false, path)
    for (const ahead of [0, 0.5]) assert.equal(isRead(JSON.stringify({ ...full, aheadMs: ahead })), true)
  })

  test('loses the totals first, then the cursor, and only then what is too long of its watermarks', () => {
    const bytes = (value: Checkpoint) => Buffer.byteLength(JSON.stringify(value))
    const { totals: _, ...needed } = full
    const withCursor = (cursor: string | null, value = full) => ({ ...value, cursor })
    const filled = (value: Checkpoint) => 'c'.repeat(CHECKPOINT_BYTES_MAX - bytes(withCursor('', value)))
    const read = (value: Checkpoint) => parseCheckpoint(checkpointText(value))
    const [some, most] = [filled(full), filled(needed)]
    assert.deepEqual(read(withCursor(some)), withCursor(some))
    assert.deepEqual(read(withCursor(`${some}c`)), withCursor(`${some}c`, needed))
    assert.deepEqual(read(withCursor(most)), withCursor(most, needed))
    assert.deepEqual(read(withCursor(`${most}c`)), withCursor(null, needed))
    const long = (length: number, value: Checkpoint): Checkpoint => {
      const text = 'x'.repeat(length)
      return {
        ...value,
        from: text,
        watermark: text,
        seen: text,
        full: { reached: text },
        range: { from: text, to: text },
      }
    }
    assert.deepEqual(read(long(400, full)), long(400, full))
    for (const chars of [600, 5_000]) assert.deepEqual(read(long(chars, full)), long(240, withCursor(null, needed)))
  })

  test('that fits in no form is written in its shortest one, and one without watermarks stays without', () => {
    const held = 'h'.repeat(CHECKPOINT_BYTES_MAX)
    const { totals: _, ...needed } = full
    const long = 'w'.repeat(600)
    const written = parseCheckpoint(checkpointText({ ...full, held, watermark: long }))
    assert.deepEqual(written, { ...needed, held, cursor: null, watermark: 'w'.repeat(240) })
    const bare: Checkpoint = { ...checkpoint, held, watermark: null }
    assert.deepEqual(parseCheckpoint(checkpointText(bare)), { ...bare, cursor: null })
    assert.deepEqual(
      parseCheckpoint(checkpointText({ ...bare, full: { reached: null }, range: { from: '', to: '' } })),
      {
        ...{ ...bare, cursor: null, full: { reached: null }, range: { from: '', to: '' } },
      },
    )
  })

  test('has reached its watermark, and one of a full walk what that walk itself has', () => {
    assert.equal(reachedOf({ watermark: 'w' }), 'w')
    assert.equal(reachedOf({ watermark: null }), null)
    assert.equal(reachedOf({ watermark: 'w', full: { reached: 'f' } }), 'f')
    assert.equal(reachedOf({ watermark: 'w', full: { reached: null } }), null)
  })

  test('and a skip of an instant that no calendar has are none, so nobody who shows them fails', () => {
    assert.equal(parseCheckpoint(JSON.stringify({ ...checkpoint, startedMs: 9e15 })), null)
    assert.equal(parseSkip(JSON.stringify({ v: 1, run: 'r', page: 1, status: 404, atMs: -9e15 })), null)
  })
})
