import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Checkpoint, type Commit, checkpointText, commitText } from '#shared/progress/offset-metadata.ts'
import { type ResumeFacts, resume, type StoredOffset } from '#shared/progress/resume.ts'
import { testSeed } from '../../support/seed.ts'

const MARCH = '2026-03-01T00:00:00Z'
const APRIL = '2026-04-01T00:00:00Z'
const MAY = '2026-05-01T00:00:00Z'

const unfinished: Checkpoint = {
  v: 1,
  run: 'r1',
  page: 3,
  startedMs: 1_767_225_600_000,
  done: false,
  from: MARCH,
  cursor: { cursor: 'abc' },
  watermark: APRIL,
  seen: APRIL,
}
const finished: Checkpoint = { ...unfinished, done: true, cursor: null, watermark: MAY, seen: MAY }

const published = (offset: number, checkpoint: Checkpoint): StoredOffset => ({
  offset,
  metadata: checkpointText(checkpoint),
})
const loaded = (offset: number, watermark: string | null = MARCH, more: Partial<Commit> = {}): StoredOffset => ({
  offset,
  metadata: commitText({ v: 1, offset, watermark, ...more }),
})
/** What a reset tool leaves behind. */
const reset = (offset: number): StoredOffset => ({ offset, metadata: '' })

const at = (facts: Partial<ResumeFacts>) =>
  resume({ published: null, loaded: null, log: { low: 0, high: 1000 }, ...facts })

describe('some published records are gone before they were loaded: the run starts from the confirmed watermark, loudly', () => {
  test('by retention, with an unfinished run', () => {
    assert.deepEqual(
      at({ published: published(900, unfinished), loaded: loaded(300), log: { low: 500, high: 1000 } }),
      {
        kind: 'start',
        watermark: MARCH,
        gap: { from: 300, to: 500, confirmed: MARCH },
        coveredBelow: 500,
      },
    )
  })

  test('by retention, with a finished run', () => {
    const resumed = at({ published: published(900, finished), loaded: loaded(300), log: { low: 500, high: 1000 } })
    assert.deepEqual([resumed.kind, resumed.kind === 'start' && resumed.watermark], ['start', MARCH])
  })

  test('the whole log is gone', () => {
    const resumed = at({ published: published(900, finished), loaded: loaded(300), log: { low: 1000, high: 1000 } })
    assert.deepEqual(resumed, {
      kind: 'start',
      watermark: MARCH,
      gap: { from: 300, to: 900, confirmed: MARCH },
      coveredBelow: 1000,
    })
  })

  test('no loader has ever committed: from the stream’s start', () => {
    const resumed = at({ published: published(900, finished), log: { low: 500, high: 1000 } })
    assert.deepEqual(resumed, {
      kind: 'start',
      watermark: null,
      gap: { from: 0, to: 500, confirmed: null },
      coveredBelow: 500,
    })
  })

  test('the topic was made anew: the checkpoint stands behind the end of the log', () => {
    const resumed = at({ published: published(900, unfinished), loaded: loaded(900), log: { low: 0, high: 0 } })
    assert.deepEqual(resumed, {
      kind: 'start',
      watermark: MARCH,
      gap: { from: 0, to: 900, confirmed: MARCH },
      coveredBelow: 0,
    })
  })

  test('the topic was made anew and has grown: a cover of the old log covers nothing of the new one', () => {
    const old = published(900, { ...unfinished, coveredBelow: 700 })
    const first = at({ published: old, loaded: loaded(800), log: { low: 0, high: 0 } })
    assert.equal(first.kind === 'start' && first.coveredBelow, 0)
    const anew = published(120, { ...finished, coveredBelow: 0 })
    const later = at({ published: anew, loaded: loaded(800), log: { low: 100, high: 120 } })
    assert.deepEqual(later.kind === 'start' && later.gap, { from: 0, to: 100, confirmed: MARCH })
  })

  test('the loader’s place is of a log that is gone: it has read nothing of this one', () => {
    const resumed = at({ published: published(50, finished), loaded: loaded(800), log: { low: 20, high: 50 } })
    assert.deepEqual(resumed.kind === 'start' && resumed.gap, { from: 0, to: 20, confirmed: MARCH })
  })

  test('more is gone than a run has asked for again', () => {
    const covered = published(900, { ...unfinished, coveredBelow: 500 })
    const resumed = at({ published: covered, loaded: loaded(300), log: { low: 600, high: 1000 } })
    assert.deepEqual(resumed.kind === 'start' && [resumed.gap, resumed.coveredBelow], [
      { from: 300, to: 600, confirmed: MARCH },
      600,
    ])
  })

  test('the loader has moved on behind the gap and says so', () => {
    const moved = loaded(700, MARCH, { lost: { from: 300, below: 500 } })
    const resumed = at({ published: published(900, finished), loaded: moved, log: { low: 500, high: 1000 } })
    assert.deepEqual(resumed.kind === 'start' && [resumed.watermark, resumed.gap?.from, resumed.gap?.to], [
      MARCH,
      300,
      500,
    ])
  })

  test('it is a single record, the first of the log', () => {
    const gap = { from: 0, to: 1, confirmed: null }
    const start = { kind: 'start', watermark: null, gap, coveredBelow: 1 }
    assert.deepEqual(at({ published: published(900, finished), log: { low: 1, high: 1000 } }), start)
    const moved = loaded(1, null, { lost: { from: 0, below: 1 } })
    assert.deepEqual(at({ published: published(900, finished), loaded: moved, log: { low: 1, high: 1000 } }), start)
  })
})

describe('a loss that the loader tells of and that lies', () => {
  const moved = (from: number, below: number) => loaded(950, MARCH, { lost: { from, below } })
  const gapOf = (from: number, below: number, checkpoint: Checkpoint = finished) => {
    const resumed = at({
      published: published(900, checkpoint),
      loaded: moved(from, below),
      log: { low: 500, high: 1000 },
    })
    return resumed.kind === 'start' ? resumed.gap : null
  }

  test('in front of the checkpoint is a gap, up to the checkpoint at most', () => {
    assert.deepEqual(gapOf(899, 950), { from: 899, to: 900, confirmed: MARCH })
    assert.deepEqual(gapOf(300, 500), { from: 300, to: 500, confirmed: MARCH })
  })

  test('is no longer for what the log has lost since, except where the loader has not read that far', () => {
    const lost = { from: 300, below: 500 }
    const gapAt = (offset: number) => {
      const resumed = at({
        published: published(900, finished),
        loaded: loaded(offset, MARCH, { lost }),
        log: { low: 600, high: 1000 },
      })
      return resumed.kind === 'start' ? resumed.gap : null
    }
    assert.deepEqual(gapAt(600), { from: 300, to: 500, confirmed: MARCH })
    assert.deepEqual(gapAt(700), { from: 300, to: 500, confirmed: MARCH })
    assert.deepEqual(gapAt(599), { from: 300, to: 600, confirmed: MARCH })
  })

  test('behind the checkpoint, or right at it, is none of this run’s', () => {
    assert.equal(gapOf(900, 950), null)
    assert.equal(gapOf(901, 950), null)
  })

  test('where a run has asked for all of it again is none any more', () => {
    assert.equal(gapOf(300, 500, { ...finished, coveredBelow: 500 }), null)
    assert.notEqual(gapOf(300, 501, { ...finished, coveredBelow: 500 }), null)
  })
})

describe('no checkpoint: the run starts from the confirmed watermark, else from the stream’s start', () => {
  const nothing = { kind: 'start', gap: null, coveredBelow: undefined }
  test('nothing is stored at all', () => assert.deepEqual(at({}), { ...nothing, watermark: null }))
  test('a loader has confirmed something', () =>
    assert.deepEqual(at({ loaded: loaded(300) }), { ...nothing, watermark: MARCH }))
  test('the checkpoint is foreign, of another version, or cut', () => {
    const metadata = checkpointText(unfinished)
    for (const foreign of ['', 'null', '{}', '"text"', metadata.slice(0, -2), metadata.replace('"v":1', '"v":2')]) {
      assert.deepEqual(at({ published: { offset: 900, metadata: foreign }, loaded: loaded(300) }), {
        ...nothing,
        watermark: MARCH,
      })
    }
  })
  test('the loader’s metadata is foreign, cut, or of another offset: nothing is confirmed', () => {
    const { metadata } = loaded(300)
    for (const strange of [
      { offset: 301, metadata },
      { offset: 300, metadata: 'x' },
      { offset: 300, metadata: metadata.slice(1) },
      reset(300),
    ]) {
      assert.deepEqual(at({ loaded: strange }), { ...nothing, watermark: null })
    }
  })
})

describe('an unfinished run whose records are all in the log goes on at its cursor', () => {
  for (const [name, place] of [
    ['the loader is far behind', loaded(10)],
    ['the loader has never committed', null],
    ['the loader stands exactly at the first record that is kept', loaded(5)],
    ['the loader has read everything', loaded(1000)],
    ['the loader was reset to the beginning by a tool that stores -2', reset(-2)],
    ['the loader was reset to the beginning by a tool that stores the number', reset(5)],
    ['the loader was reset to the end', reset(1000)],
    ['the loader was reset to a time', reset(400)],
  ] as const) {
    test(name, () => {
      const low = place === null ? 0 : 5
      const resumed = at({ published: published(900, unfinished), loaded: place, log: { low, high: 1000 } })
      assert.deepEqual(resumed, { kind: 'continue', checkpoint: unfinished })
    })
  }

  test('what is gone was loaded before', () => {
    const resumed = at({ published: published(900, unfinished), loaded: loaded(600), log: { low: 500, high: 1000 } })
    assert.equal(resumed.kind, 'continue')
  })

  test('what is gone lies behind the checkpoint, so no run has lost it', () => {
    const resumed = at({ published: published(400, unfinished), loaded: loaded(450), log: { low: 500, high: 1000 } })
    assert.equal(resumed.kind, 'continue')
  })

  test('the checkpoint is the end of the log, or of what was loaded, and all before it is gone', () => {
    for (const [place, log] of [
      [1000, { low: 0, high: 1000 }],
      [400, { low: 500, high: 1000 }],
    ] as const) {
      const facts = { published: published(place, unfinished), loaded: loaded(400), log }
      assert.deepEqual(at(facts), { kind: 'continue', checkpoint: unfinished })
    }
  })

  test('a gap that this run asks for again already is no reason to start over', () => {
    const covered = { ...unfinished, coveredBelow: 500 }
    const resumed = at({ published: published(900, covered), loaded: loaded(300), log: { low: 500, high: 1000 } })
    assert.deepEqual(resumed, { kind: 'continue', checkpoint: covered })
  })
})

describe('a finished run whose records are all in the log is followed by one from its watermark', () => {
  const next = { kind: 'start', watermark: MAY, gap: null, coveredBelow: undefined }
  for (const [name, place] of [
    ['the loader is far behind: a stopped loader costs no requests', loaded(10)],
    ['the loader has never committed', null],
    ['the loader has caught up', loaded(1000, MAY)],
    ['the loader was reset to the beginning: nobody goes back to the API', reset(-2)],
    ['the loader was reset to the beginning, by number', reset(0)],
    ['the loader was reset to the end', reset(1000)],
  ] as const) {
    test(name, () => assert.deepEqual(at({ published: published(900, finished), loaded: place }), next))
  }

  test('a reset to the beginning after retention has taken what was loaded before', () => {
    assert.deepEqual(
      at({ published: published(900, finished), loaded: reset(-2), log: { low: 500, high: 1000 } }),
      next,
    )
    assert.deepEqual(
      at({ published: published(900, finished), loaded: reset(500), log: { low: 500, high: 1000 } }),
      next,
    )
  })

  test('what is known of its shares and of the size of its last complete walk goes with it', () => {
    for (const more of [
      { known: 'abcdefgh' },
      { known: '' },
      { whole: 17 },
      { whole: 0 },
      { known: 'abcdefgh', whole: 17 },
      { known: 'abcdefgh', parents: { id: 'i', at: 'p', fullMs: 7, whole: null } },
    ]) {
      assert.deepEqual(at({ published: published(900, { ...finished, ...more }), loaded: loaded(900) }), {
        ...next,
        ...more,
      })
    }
  })

  test('a cover goes with the log from run to run', () => {
    const covered = published(900, { ...finished, coveredBelow: 500 })
    assert.deepEqual(at({ published: covered, loaded: loaded(300), log: { low: 500, high: 1000 } }), {
      ...next,
      coveredBelow: 500,
    })
  })
})

test('whatever is stored, no run starts behind a record that the log lost and that nobody asked for again', () => {
  const offsets = fc.integer({ min: 0, max: 60 })
  const facts = fc.record({
    low: offsets,
    length: offsets,
    published: offsets,
    loaded: fc.option(
      fc.integer({ min: -2, max: 60 }).filter((offset) => offset !== -1),
      { nil: null },
    ),
    coveredBelow: fc.option(offsets, { nil: undefined }),
    done: fc.boolean(),
  })
  fc.assert(
    fc.property(facts, ({ low, length, published: place, loaded: read, coveredBelow, done }) => {
      const high = low + length
      const checkpoint = { ...(done ? finished : unfinished), ...(coveredBelow === undefined ? {} : { coveredBelow }) }
      const resumed = resume({
        published: published(place, checkpoint),
        loaded: read === null ? null : read < 0 ? reset(read) : loaded(read),
        log: { low, high },
      })
      const anew = place > high
      const readUpTo = read === null || read > high ? 0 : read < 0 ? low : read
      const lost = anew || Math.min(low, place) > Math.max(readUpTo, low <= (coveredBelow ?? 0) ? low : 0)
      const startsOver = resumed.kind === 'start' && resumed.gap !== null
      return startsOver === lost && (!startsOver || resumed.coveredBelow === low)
    }),
    { seed: testSeed() },
  )
})

describe('a partition that asks for something else than before', () => {
  const own = { id: 'new', unnamed: false, startsFrom: APRIL }
  const start = (watermark: string | null) => ({
    kind: 'start',
    watermark,
    gap: null,
    coveredBelow: undefined,
    otherShare: true,
  })

  test('does not go on from the checkpoint of the other share, nor from what was confirmed of it', () => {
    for (const checkpoint of [unfinished, finished, { ...finished, share: 'old' }]) {
      assert.deepEqual(
        at({ published: published(900, checkpoint), loaded: loaded(900, MAY, { share: 'old' }), own }),
        start(APRIL),
      )
    }
    assert.deepEqual(
      at({ published: published(900, finished), loaded: loaded(900, MAY, { share: 'new' }), own }),
      start(MAY),
    )
  })

  test('goes on from its own, and in a gap from what was confirmed of itself alone', () => {
    const checkpoint = { ...finished, share: 'new' }
    const resumed = at({ published: published(900, checkpoint), loaded: loaded(900), own })
    assert.deepEqual([resumed.kind === 'start' && resumed.watermark], [MAY])
    const gap = { published: published(900, checkpoint), log: { low: 500, high: 1000 }, own }
    const other = at({ ...gap, loaded: loaded(300, MAY, { share: 'old' }) })
    assert.deepEqual([other.kind === 'start' && other.watermark], [APRIL])
    const same = at({ ...gap, loaded: loaded(300, MAY, { share: 'new' }) })
    assert.deepEqual([same.kind === 'start' && same.watermark], [MAY])
  })

  test('without any checkpoint begins where the layout does, not at what was confirmed of another share', () => {
    assert.deepEqual(at({ loaded: loaded(300, MAY), own }), {
      kind: 'start',
      watermark: APRIL,
      gap: null,
      coveredBelow: undefined,
    })
  })

  test('goes on from what names no share, while the layout is still the first', () => {
    const resumed = at({
      published: published(900, finished),
      loaded: loaded(900),
      own: { id: 'a', unnamed: true, startsFrom: null },
    })
    assert.deepEqual([resumed.kind === 'start' && resumed.watermark], [MAY])
  })
})
