import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type DeadLetterFacts,
  deadLetterHeaders,
  doneHeaders,
  doneRanges,
  FRAME_HEAD_BYTES,
  frame,
  MARKER_HEADER,
  type PageMarker,
  parseDeadLetterHeaders,
  parseMarker,
  schemaIdOf,
} from '../../shared/wire.ts'
import { testSeed } from '../support/seed.ts'

const seed = testSeed()

describe('a frame', () => {
  test('that is none has no schema id: empty, short, of another magic byte, cut, or of no object', () => {
    const whole = frame(7, '{"a":1}')
    const other = Buffer.from(whole)
    other[0] = 1
    const strange = [
      Buffer.alloc(0),
      Buffer.from([0]),
      whole.subarray(0, 5),
      whole.subarray(0, -1),
      other,
      frame(7, '{'),
      frame(7, '[1]'),
      frame(7, 'null'),
    ]
    for (const bytes of strange) assert.equal(schemaIdOf(bytes), null, bytes.toString('hex'))
  })

  test('with a schema id that does not fit 4 bytes is an error, not another id', () => {
    for (const id of [-1, 2 ** 32]) assert.throws(() => frame(id, '{}'), { code: 'ERR_OUT_OF_RANGE' })
  })

  test('is the magic byte, the id big-endian, and the payload in UTF-8', () => {
    assert.equal(frame(258, '{"a":"ü"}').toString('hex'), `0000000102${Buffer.from('{"a":"ü"}').toString('hex')}`)
    assert.equal(schemaIdOf(frame(0, '{}')), 0)
    assert.equal(schemaIdOf(frame(2 ** 32 - 1, '{}')), 2 ** 32 - 1)
  })

  test('gives back the id and every object, whatever its text', () => {
    const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), objects, (id, object) => {
        const text = JSON.stringify(object)
        const bytes = frame(id, text)
        return schemaIdOf(bytes) === id && bytes.subarray(FRAME_HEAD_BYTES).toString() === text
      }),
      { seed },
    )
  })
})

describe('a marker', () => {
  const marker: PageMarker = {
    v: 1,
    run: 'r1',
    page: 2,
    at: 1_767_225_600_000,
    records: 50,
    deadLetters: 1,
    unchanged: 3,
    drift: 0,
    requests: 2,
    retries: 1,
    bytes: 1024,
    durationMs: 17,
    watermark: '2026-01-01T00:00:00Z',
    last: false,
  }

  test('that is missing, cut, foreign, of another version or out of range is none', () => {
    const text = JSON.stringify(marker)
    const wrong = [
      { ...marker, v: 2 },
      { ...marker, page: 0 },
      { ...marker, records: -1 },
      { ...marker, watermark: undefined },
      { ...marker, last: 'no' },
    ].map((each) => JSON.stringify(each))
    for (const header of [undefined, '', 'x', '3', 'null', '[]', '{}', text.slice(0, -1), ...wrong])
      assert.equal(parseMarker(header), null, header)
  })

  test('is read from text and from bytes', () => {
    assert.deepEqual(parseMarker(JSON.stringify(marker)), marker)
    assert.deepEqual(parseMarker(Buffer.from(JSON.stringify({ ...marker, watermark: null }))), { ...marker, watermark: null })
  })

  test('travels in a header that no dead letter has', () => {
    const all: Required<DeadLetterFacts> = {
      stage: 'insert',
      reason: 'r',
      issues: 'i',
      run: 'r',
      page: 1,
      url: 'u',
      origin: 'o',
      replays: 0,
      times: 3,
      fetched: 0,
    }
    assert.equal(Object.hasOwn(deadLetterHeaders(all), MARKER_HEADER), false)
  })
})

describe('the headers of a dead letter', () => {
  test('that are missing or strange give what can be said', () => {
    assert.deepEqual(parseDeadLetterHeaders({}), { stage: 'validate', reason: 'unknown', issues: '' })
    assert.deepEqual(parseDeadLetterHeaders({ 'headrace-stage': 'moon', 'headrace-page': 'three', 'headrace-replays': '-1' }), {
      stage: 'validate',
      reason: 'unknown',
      issues: '',
    })
  })

  test('leave out what is not known, and come back as they were', () => {
    const facts: DeadLetterFacts = { stage: 'frame', reason: 'no frame', issues: 'magic byte 1\nis not 0' }
    assert.deepEqual(Object.keys(deadLetterHeaders(facts)), ['headrace-stage', 'headrace-reason', 'headrace-issues'])
    const text = fc.string({ unit: 'grapheme' })
    const any = fc.record(
      {
        stage: fc.constantFrom('validate' as const, 'insert' as const, 'frame' as const),
        reason: text,
        issues: text,
        run: text,
        page: fc.nat(),
        url: text,
        origin: text,
        replays: fc.nat(),
        fetched: fc.nat(),
      },
      { requiredKeys: ['stage', 'reason', 'issues'] },
    )
    fc.assert(
      fc.property(any, (given) => {
        const headers = Object.fromEntries(Object.entries(deadLetterHeaders(given)).map(([name, value]) => [name, Buffer.from(value)]))
        assert.deepEqual(parseDeadLetterHeaders(headers), { ...given })
      }),
      { seed },
    )
  })
})

describe('the letters that are done with', () => {
  test('are none for other messages, and what is no range is passed over', () => {
    assert.equal(doneRanges(undefined), null)
    assert.equal(doneRanges({ 'headrace-page': '3' }), null)
    assert.deepEqual(doneRanges({ 'headrace-done': 'x,3,-4,5-,7-9,1e3' }), [
      [3, 4],
      [7, 10],
    ])
  })

  test('come back as they were, and neighbours as one range', () => {
    assert.deepEqual(doneHeaders([1, 2, 3, 7, 9, 10], 'replayed'), { 'headrace-done': '1-3,7,9-10', 'headrace-how': 'replayed' })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 60 }), { minLength: 1 }),
        fc.constantFrom('replayed' as const, 'dropped' as const),
        (given, how) => {
          const offsets = given.toSorted((a, b) => a - b)
          const ranges = doneRanges(doneHeaders(offsets, how)) ?? []
          const back = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, index) => from + index))
          assert.deepEqual(back, offsets)
          for (const [index, [from]] of ranges.entries()) assert.ok(index === 0 || from > (ranges[index - 1]?.[1] ?? 0))
        },
      ),
      { seed },
    )
  })
})
