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
  markerMistake,
  type OffsetRange,
  type PageMarker,
  parseDeadLetterHeaders,
  parseMarker,
  replayHeaders,
  replaysOf,
  schemaIdOf,
  singleHeaders,
} from '#shared/messages/frame.ts'
import { anyText } from '../../support/any-text.ts'
import { testSeed } from '../../support/seed.ts'

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
      frame(7, ' {}'),
      frame(7, '{} '),
      frame(7, '}'),
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
    const objects = fc.dictionary(anyText(), fc.jsonValue())
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

  test('says what is wrong with it, and nothing of one that is right', () => {
    const mistakes: [header: string, mistake: RegExp | string][] = [
      ['', 'it is not JSON'],
      ['{"v":1', 'it is not JSON'],
      ['3', /^it: /],
      [JSON.stringify({ ...marker, page: 0 }), /^page: /],
      [JSON.stringify({ ...marker, complete: { from: -1, startedMs: 0 } }), /^complete\.from: /],
      [JSON.stringify({ ...marker, run: '\ud800' }), 'run: is not Unicode text'],
      [JSON.stringify(marker), 'nothing'],
    ]
    for (const [header, mistake] of mistakes) {
      for (const form of [header, Buffer.from(header)]) {
        if (typeof mistake === 'string') assert.equal(markerMistake(form), mistake)
        else assert.match(markerMistake(form), mistake)
      }
    }
  })

  test('of 64 KiB is read, and none that is longer', () => {
    const text = JSON.stringify(marker)
    const full = text + ' '.repeat(64 * 1024 - text.length)
    assert.deepEqual(parseMarker(full), marker)
    assert.equal(parseMarker(`${full} `), null)
    assert.equal(markerMistake(`${full} `), 'it has 65537 bytes, more than 65536')
    assert.equal(parseMarker(full.replace('"r1"', '"ü1"')), null, 'bytes are counted, not characters')
  })

  const COUNT_MAX = 2 ** 32 - 1
  const BOUNDS: [name: string, first: number, last: number | null][] = [
    ['page', 1, COUNT_MAX],
    ['at', 0, 10_413_791_999_999],
    ['bytes', 0, null],
    ['coveredBelow', 0, null],
    ...['records', 'deadLetters', 'unchanged', 'drift', 'leftOut', 'requests', 'retries', 'durationMs'].map(
      (name): [string, number, number] => [name, 0, COUNT_MAX],
    ),
  ]
  for (const [name, first, last] of BOUNDS) {
    test(`has a ${name} from ${first} to ${last ?? 'any'}`, () => {
      const isRead = (value: unknown) => parseMarker(JSON.stringify({ ...marker, [name]: value })) !== null
      const most = last ?? Number.MAX_SAFE_INTEGER
      assert.deepEqual([first - 1, first + 0.5, most + 1, String(first)].map(isRead), [false, false, false, false])
      assert.deepEqual([first, first + 1, most].map(isRead), [true, true, true])
    })
  }

  test('has a run of at most 100 characters and a share of at most 40', () => {
    for (const [name, charsMax] of [
      ['run', 100],
      ['share', 40],
    ] as const) {
      const isRead = (chars: number) => parseMarker(JSON.stringify({ ...marker, [name]: 'ü'.repeat(chars) })) !== null
      assert.deepEqual([0, charsMax, charsMax + 1].map(isRead), [true, true, false])
    }
  })

  test('ends a whole walk from any offset on, and a person has released its deletes or not', () => {
    const read = (complete: unknown) => parseMarker(JSON.stringify({ ...marker, complete }))?.complete
    const plain = { from: 0, startedMs: 5 }
    assert.deepEqual(read(plain), plain)
    assert.deepEqual(read({ ...plain, allowed: true }), { ...plain, allowed: true })
    for (const strange of [
      { ...plain, allowed: false },
      { ...plain, from: -1 },
      { ...plain, startedMs: 0.5 },
      { from: 0 },
      null,
    ])
      assert.equal(read(strange), undefined)
    assert.equal(parseMarker(JSON.stringify({ ...marker, complete: null })), null)
  })

  test('with a watermark that no commit has room for is read with what opens it', () => {
    const read = (watermark: string) => parseMarker(JSON.stringify({ ...marker, watermark }))
    assert.equal(read('x'.repeat(600))?.watermark, 'x'.repeat(240))
    assert.equal(read('x'.repeat(5_000))?.watermark, 'x'.repeat(240))
    assert.equal(read('')?.watermark, null)
    assert.equal(read('\udc00'), null)
  })

  test('is read from text and from bytes', () => {
    assert.deepEqual(parseMarker(JSON.stringify(marker)), marker)
    assert.deepEqual(parseMarker(Buffer.from(JSON.stringify({ ...marker, watermark: null }))), {
      ...marker,
      watermark: null,
    })
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
      values: '{}',
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
    for (const [text, page] of [
      ['0', 0],
      ['999999999999999', 999_999_999_999_999],
      ['1000000000000000', undefined],
      ['', undefined],
      ['1.5', undefined],
    ] as const) {
      assert.equal(parseDeadLetterHeaders({ 'headrace-page': text }).page, page, text)
    }
    assert.deepEqual(
      parseDeadLetterHeaders({ 'headrace-stage': 'moon', 'headrace-page': 'three', 'headrace-replays': '-1' }),
      {
        stage: 'validate',
        reason: 'unknown',
        issues: '',
      },
    )
  })

  test('leave out what is not known, and come back as they were', () => {
    const facts: DeadLetterFacts = { stage: 'frame', reason: 'no frame', issues: 'magic byte 1\nis not 0' }
    const unknown: Record<string, undefined> = { run: undefined, page: undefined, times: undefined }
    assert.deepEqual(Object.keys(deadLetterHeaders({ ...facts, ...unknown })), [
      'headrace-stage',
      'headrace-reason',
      'headrace-issues',
    ])
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
        times: fc.nat(),
        fetched: fc.nat(),
      },
      { requiredKeys: ['stage', 'reason', 'issues'] },
    )
    fc.assert(
      fc.property(any, (given) => {
        const headers = Object.fromEntries(
          Object.entries(deadLetterHeaders(given)).map(([name, value]) => [name, Buffer.from(value)]),
        )
        assert.deepEqual(parseDeadLetterHeaders(headers), { ...given })
      }),
      { seed },
    )
  })
})

describe('headers that came several times', () => {
  test('count with their first value', () => {
    const one = Buffer.from('1')
    assert.deepEqual(singleHeaders({ a: ['first', 'second'], b: [one, 'x'], c: 'text', d: one, e: undefined, f: [] }), {
      ...{ a: 'first', b: one, c: 'text', d: one, e: undefined, f: undefined },
    })
    assert.deepEqual(singleHeaders({}), {})
    assert.deepEqual(singleHeaders(undefined), {})
  })
})

describe('how many times a record was replayed', () => {
  test('is none without the header, else at least once, whatever it says', () => {
    const said: [value: Parameters<typeof replaysOf>[0], replays: number][] = [
      [undefined, 0],
      [{}, 0],
      [{ 'headrace-origin': 't.dead-letters/0/3' }, 0],
      [{ 'headrace-replays': undefined }, 0],
      [{ 'headrace-replays': '0' }, 0],
      [{ 'headrace-replays': '2' }, 2],
      [{ 'headrace-replays': Buffer.from('17') }, 17],
      [{ 'headrace-replays': ['3', '4'] }, 3],
      [{ 'headrace-replays': [Buffer.from('5'), '6'] }, 5],
      [{ 'headrace-replays': '999999999999999' }, 999_999_999_999_999],
      ...['', 'x', '-1', '1.5', '2 times', '1000000000000000'].map((text): [{ 'headrace-replays': string }, number] => [
        { 'headrace-replays': text },
        1,
      ]),
      [{ 'headrace-replays': [] }, 1],
    ]
    for (const [headers, replays] of said) assert.equal(replaysOf(headers), replays, JSON.stringify(headers))
  })

  test('travels with where its dead letter lies', () => {
    const headers = replayHeaders(4, 't.dead-letters/7/12')
    assert.equal(replaysOf(headers), 4)
    assert.equal(parseDeadLetterHeaders(headers).origin, 't.dead-letters/7/12')
    assert.equal(parseDeadLetterHeaders(headers).replays, 4)
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
    assert.deepEqual(doneRanges({ 'headrace-done': '' }), [])
    assert.deepEqual(doneRanges({ 'headrace-done': [Buffer.from('5-6'), '8'] }), [[5, 7]])
    assert.deepEqual(doneRanges({ 'headrace-done': Buffer.from('0,999999999999999,1000000000000000') }), [
      [0, 1],
      [999_999_999_999_999, 1_000_000_000_000_000],
    ])
  })

  test('are the ranges that were written, as long as each ends before the next begins', () => {
    const steps = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 1e9 }), length: fc.integer({ min: 1, max: 5 }) }),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(steps, fc.integer({ min: -1, max: 1e12 }), (given, first) => {
        let end = first
        const ranges = given.map(({ gap, length }): OffsetRange => {
          const from = end + gap
          end = from + length
          return [from, end]
        })
        const offsets = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, index) => from + index))
        const headers = doneHeaders(offsets, 'dropped')
        assert.deepEqual(doneRanges(headers), ranges)
        assert.deepEqual(doneRanges({ 'headrace-done': [Buffer.from(headers['headrace-done'] ?? '')] }), ranges)
      }),
      { seed },
    )
  })

  test('come back as they were, and neighbours as one range', () => {
    assert.deepEqual(doneHeaders([1, 2, 3, 7, 9, 10], 'replayed'), {
      'headrace-done': '1-3,7,9-10',
      'headrace-how': 'replayed',
    })
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
