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
  parseSkip,
} from '../../shared/checkpoint.ts'
import { boundedWatermark, WATERMARK_BYTES_MAX } from '../../shared/watermark.ts'
import { testSeed } from '../support/seed.ts'

const seed = testSeed()
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 900 }),
  fc.string({ minLength: 400, maxLength: 6_000 }),
  fc.constant('ü'.repeat(5_000)),
)
const offsets = fc.maxSafeNat()
const lost = fc.record({ from: offsets, below: offsets })

describe('a watermark that is too long', () => {
  test('is cut to its beginning, which sorts before it, and inside no character', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const short = boundedWatermark(text)
        if (short === null) return text === ''
        const bytes = Buffer.byteLength(JSON.stringify(short)) - 2
        return short <= text && text.startsWith(short) && bytes <= WATERMARK_BYTES_MAX && (!text.isWellFormed() || short.isWellFormed())
      }),
      { seed },
    )
    assert.equal(boundedWatermark('2026-01-01T00:00:00.123456789Z'), '2026-01-01T00:00:00.123456789Z')
    assert.equal(boundedWatermark('x'.repeat(WATERMARK_BYTES_MAX)), 'x'.repeat(WATERMARK_BYTES_MAX))
    assert.equal(boundedWatermark(`${'x'.repeat(WATERMARK_BYTES_MAX - 1)}😀`), 'x'.repeat(WATERMARK_BYTES_MAX - 1))
  })
})

describe('a commit', () => {
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
    ...{ v: 1, run: 'r', page: 3, startedMs: 1, done: false, from: null, cursor: { at: 'x' }, watermark: 'w', seen: null },
  }

  test('always fits, also with texts as long as a record: a watermark that is cut asks for more', () => {
    fc.assert(
      fc.property(texts, texts, texts, (from, watermark, seen) => {
        const text = checkpointText({ ...checkpoint, from, watermark, seen, full: { reached: seen }, known: 'k'.repeat(2_400) })
        const read = parseCheckpoint(text)
        assert.ok(Buffer.byteLength(text) <= CHECKPOINT_BYTES_MAX)
        assert.ok(watermark.startsWith(read?.watermark ?? '') && seen.startsWith(read?.seen ?? ''))
        assert.equal(read?.page, 3)
      }),
      { seed },
    )
  })

  test('and a skip of an instant that no calendar has are none, so nobody who shows them fails', () => {
    assert.equal(parseCheckpoint(JSON.stringify({ ...checkpoint, startedMs: 9e15 })), null)
    assert.equal(parseSkip(JSON.stringify({ v: 1, run: 'r', page: 1, status: 404, atMs: -9e15 })), null)
  })
})
