import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import { frame, MARKER_HEADER, replayHeaders } from '#shared/messages/frame.ts'
import { type BatchPart, batchOf, type PartitionState, type Target } from '../../../services/loader/batch/batch.ts'
import { originOf } from '../../../services/loader/batch/row-ranges.ts'
import { bytesOfBatch } from '../../../services/loader/splice/part-builder.ts'
import { PREFIX_BYTES_MAX } from '../../../services/loader/splice/row-prefix.ts'
import { type RefusedSchema, unknownSchemas } from '../../../services/loader/splice/schema-lookup.ts'
import { splice } from '../../../services/loader/splice/splice.ts'
import { markerOf } from '../../support/published.ts'
import { testSeed } from '../../support/seed.ts'

const target = (id: number): Target => ({
  id,
  schema: { id, json: {}, check: () => [] },
  spec: { table: `table_${id}`, columns: [], primaryKey: ['id'], watermark: null },
})
const KNOWN = new Map<number, Target | RefusedSchema>([
  [1, target(1)],
  [2, target(2)],
  [9, { refused: 'unknown_schema', issues: 'none' }],
])
const lookup = (id: number) => KNOWN.get(id)

function batch(values: readonly (Buffer | null | Partial<RawMessage>)[], first = 100): ReadBatch {
  const messages = values.map((value, index): RawMessage => {
    const given = value === null || Buffer.isBuffer(value) ? { value } : value
    return { offset: String(first + index), timestamp: '1700000000123', key: null, value: null, ...given }
  })
  const nextOffset = first + values.length + 1
  return { topic: 't', partition: 7, generation: 1, messages, nextOffset, highOffset: nextOffset }
}

const marker = (records: number, watermark: string | null = null, coveredBelow?: number): Partial<RawMessage> => ({
  value: null,
  headers: {
    [MARKER_HEADER]: Buffer.from(
      JSON.stringify({
        ...markerOf(1, records, 0),
        watermark,
        ...(coveredBelow === undefined ? {} : { coveredBelow }),
      }),
    ),
  },
})
const START: PartitionState = { nextOffset: 100, watermark: 'w0', open: 0, lost: null }
const linesOf = (part: BatchPart | undefined) => part?.body.toString().split('\n').slice(0, -1)

describe('splicing', () => {
  test("writes the loader's columns in front of the record's own bytes", () => {
    const [part, ...others] = splice(
      batch([frame(1, '{"id":"ü","n":1.50}'), frame(1, '{}'), frame(1, '{ \n }'), frame(1, '{ "a" : 1 }')]),
      START,
      lookup,
    )
    assert.equal(others.length, 0)
    const prefix = (offset: number) => `{"_partition":7,"_offset":${offset},"_fetched_at":1700000000123`
    assert.deepEqual(linesOf(part), [
      `${prefix(100)},"id":"ü","n":1.50}`,
      `${prefix(101)}}`,
      `${prefix(102)}}`,
      `${prefix(103)}, "a" : 1 }`,
    ])
    assert.equal(part?.after.nextOffset, 105)
    assert.equal(part?.after.open, 4)
  })

  test('keeps nothing of the bytes that it was lent', () => {
    const lent = [Buffer.from('key'), Buffer.from('no frame'), frame(1, '{"a":1}')] as const
    const [part] = splice(batch([{ key: lent[0], value: lent[1] }, lent[2]]), START, lookup)
    for (const bytes of lent) bytes.fill(0)
    assert.deepEqual([String(part?.refusedFrames[0]?.key), String(part?.refusedFrames[0]?.value)], ['key', 'no frame'])
    assert.match(String(linesOf(part)), /,"a":1}$/)
  })

  test('counts no replayed record to the page that it lies in, and no watermark of its marker', () => {
    const replayed = (value: Buffer): Partial<RawMessage> => ({
      value,
      headers: replayHeaders(3, 't.dead-letters/7/4'),
    })
    const { headers } = marker(1, 'w9')
    const replayMarker: Partial<RawMessage> = { value: null, headers: { ...headers, ...replayHeaders(1, 'replay-1') } }
    const messages = [
      frame(1, '{"a":1}'),
      replayed(frame(1, '{"a":2}')),
      replayed(frame(9, '{}')),
      replayMarker,
      frame(1, '{"a":3}'),
    ]
    const [part] = splice(batch([...messages, marker(2, 'w1'), replayed(frame(1, '{"a":4}'))]), START, lookup)
    assert.deepEqual(
      part?.markers.map(({ offset, counted }) => [offset, counted]),
      [
        [103, null],
        [105, 2],
      ],
    )
    assert.deepEqual([part?.rows, part?.after.open, part?.after.watermark], [4, 0, 'w1'])
    assert.deepEqual(
      [...(part?.replays ?? [])],
      [101, 102, 106].map((offset) => [offset, 3]),
    )
  })

  test('begins another chunk where the schema changes, each with the offset that it ends at', () => {
    const parts = splice(
      batch([frame(1, '{"a":1}'), frame(2, '{"a":2}'), frame(2, '{"a":3}'), frame(1, '{"a":4}')]),
      START,
      lookup,
    )
    assert.deepEqual(
      parts.map(({ target: of, rows, after }) => [of?.id, rows, after.nextOffset, after.open]),
      [
        [1, 1, 101, 1],
        [2, 2, 103, 3],
        [1, 1, 105, 4],
      ],
    )
  })

  test('a marker ends the count of its page and moves the watermark only when it carries one', () => {
    const [part] = splice(
      batch([frame(1, '{"a":1}'), marker(2), frame(1, '{"a":1}'), marker(1, 'w1'), frame(1, '{"a":1}')]),
      { ...START, open: 1 },
      lookup,
    )
    assert.deepEqual(
      part?.markers.map(({ offset, counted }) => [offset, counted]),
      [
        [101, 2],
        [103, 1],
      ],
    )
    assert.deepEqual(part?.after, { nextOffset: 106, watermark: 'w1', open: 1, lost: null })
  })

  test('from where on everything was read and accepted: behind the last letter, and behind a page that was not read whole', () => {
    const complete = {
      ...marker(1),
      headers: { [MARKER_HEADER]: JSON.stringify({ ...markerOf(7, 1, 0), complete: { from: 100, startedMs: 0 } }) },
    }
    const wholeFrom = (...messages: Parameters<typeof batch>[0]) => {
      const [part] = splice(batch([...messages, frame(1, '{"a":1}'), complete]), { ...START, wholeFrom: 100 }, lookup)
      return [part?.markers.at(-1)?.wholeFrom, part?.after.wholeFrom]
    }
    assert.deepEqual(wholeFrom(frame(1, '{"a":1}'), marker(1)), [100, 100])
    assert.deepEqual(wholeFrom(Buffer.from('xyz{}'), marker(1)), [101, 101])
    assert.deepEqual(wholeFrom(frame(1, '{"a":1}'), marker(2)), [102, 102])
    const [unknown] = splice(batch([complete]), START, lookup)
    assert.equal(unknown?.markers[0]?.wholeFrom, undefined)
  })

  test('says that a run has ended only where its last marker is the last message of the log', () => {
    const value = frame(1, '{}')
    const ended = (read: ReadBatch) => splice(read, START, lookup).map(({ isRunEnd }) => isRunEnd === true)
    const unfinished = { ...markerOf(1, 1, 0), last: false }
    const open: Partial<RawMessage> = {
      value: null,
      headers: { [MARKER_HEADER]: Buffer.from(JSON.stringify(unfinished)) },
    }
    const whole = batch([value, marker(1)])
    assert.deepEqual(ended(whole), [true])
    assert.deepEqual(ended({ ...whole, highOffset: whole.nextOffset + 1 }), [false], 'more is waiting')
    assert.deepEqual(ended(batch([value, open])), [false], 'more pages follow')
    assert.deepEqual(ended(batch([marker(0), value])), [false], 'the next page has begun')
    assert.deepEqual(ended(batch([value, frame(2, '{}'), marker(2)])), [false, true])
  })

  test('an unknown count stays unknown until the next marker', () => {
    const [part] = splice(
      batch([frame(1, '{"a":1}'), marker(9), frame(1, '{"a":1}'), marker(1)]),
      { ...START, open: null },
      lookup,
    )
    assert.deepEqual(
      part?.markers.map(({ counted }) => counted),
      [null, 1],
    )
  })

  test('while records are lost, markers carry no watermark before the run that asked for them again', () => {
    const lost = { from: 50, below: 100 }
    const of = (watermark: string, coveredBelow?: number) => marker(0, watermark, coveredBelow)
    const [part] = splice(batch([of('w1'), of('w2', 99)]), { ...START, lost }, lookup)
    assert.deepEqual([part?.after.watermark, part?.after.lost?.below], ['w0', 100])
    const [later] = splice(batch([of('w1'), of('w2', 100), of('w3')]), { ...START, lost }, lookup)
    assert.deepEqual([later?.after.watermark, later?.after.lost], ['w3', null])
  })

  test('what is no frame becomes a letter with its bytes and a reason, and counts as read', () => {
    const [part] = splice(
      batch([
        Buffer.alloc(0),
        Buffer.from('xyz{}'),
        Buffer.from([0, 1]),
        frame(1, '{"a":'),
        frame(9, '{"a":1}'),
        frame(1, '{"a":1}{"b":2}'),
        null,
        { headers: { [MARKER_HEADER]: '{"v":2}' } },
      ]),
      START,
      lookup,
    )
    assert.deepEqual(
      part?.refusedFrames.map(({ reason, offset }) => `${reason} ${offset}`),
      [
        'empty 100',
        'no_frame 101',
        'cut_frame 102',
        'cut_frame 103',
        'unknown_schema 104',
        'several_objects 105',
        'no_value 106',
        'unknown_marker 107',
      ],
    )
    assert.equal(part?.after.open, 8)
    assert.deepEqual(part?.refusedFrames[1]?.value, Buffer.from('xyz{}'))
  })

  test('a batch of nothing but control records still moves the offset', () => {
    const [part] = splice(batch([]), START, lookup)
    assert.deepEqual([part?.rows, part?.target, part?.after.nextOffset], [0, null, 101])
  })

  test('gives nothing while one of the schemas is not known', () => {
    assert.deepEqual(splice(batch([frame(1, '{"a":1}'), frame(5, '{"a":1}')]), START, lookup), [])
  })

  test('names the schemas that are not known, once each', () => {
    assert.deepEqual(
      unknownSchemas(
        batch([frame(1, '{"a":1}'), frame(5, '{"a":1}'), frame(6, '{"a":1}'), frame(5, '{"a":1}'), null]),
        lookup,
      ),
      [5, 6],
    )
  })

  test('every line is the record, whatever it holds, and gives its bytes back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(1, 2), fc.dictionary(fc.string(), fc.jsonValue())), { maxLength: 20 }),
        (records) => {
          const payloads = records.map(([id, record]) => [id, JSON.stringify(record)] as const)
          const read = batch(payloads.map(([id, text]) => frame(id, text)))
          const parts = splice(read, START, lookup)
          const whole = batchOf(parts)
          assert.ok(parts.reduce((total, { body }) => total + body.length, 0) <= bytesOfBatch(read))
          assert.equal(whole.bytes, bytesOfBatch(read))
          for (const [row, [, text]] of payloads.entries()) {
            const origin = originOf(whole, row)
            assert.deepEqual(
              [origin.partition, origin.offset, origin.fetchedAtMs, origin.payload.toString()],
              [7, 100 + row, 1700000000123, text],
            )
          }
        },
      ),
      { seed: testSeed() },
    )
  })

  test('a batch of none takes what its values and its heads take, and its last chunk counts for all of it', () => {
    const [a, b, c] = [frame(1, '{"a":1}'), frame(2, '{"a":22}'), frame(1, '{}')]
    const read = batch([a, null, b, c])
    assert.equal(bytesOfBatch(read), 1024 + 4 * PREFIX_BYTES_MAX + a.length + b.length + c.length)
    assert.equal(bytesOfBatch({ ...read, valueBytes: 5000 }), 1024 + 4 * PREFIX_BYTES_MAX + 5000)
    assert.deepEqual(
      splice(read, START, lookup).map(({ bytes }) => bytes),
      [0, 0, bytesOfBatch(read)],
    )
  })

  test('the rows of a second chunk fit whatever was said of the bytes of the batch', () => {
    const values = [frame(1, '{"a":1}'), frame(2, `{"a":"${'x'.repeat(500)}"}`)]
    const parts = splice({ ...batch(values), valueBytes: values[0]?.length as number }, START, lookup)
    assert.equal(
      linesOf(parts[1])?.[0]?.length,
      `{"_partition":7,"_offset":101,"_fetched_at":1700000000123,"a":"`.length + 502,
    )
  })

  test('numbers that a message has already are taken before its texts', () => {
    const read = batch([{ value: frame(1, '{"a":1}'), offsetNumber: 55, timestampMs: 66 }])
    assert.deepEqual(linesOf(splice(read, START, lookup)[0]), ['{"_partition":7,"_offset":55,"_fetched_at":66,"a":1}'])
  })

  test('an opened object with white space alone is empty, and one with more than that is not', () => {
    const texts = ['{ }', '{\t\r\n }', '{ "a":1}', '{\t"b":{}}']
    const lines = linesOf(splice(batch(texts.map((text) => frame(1, text))), START, lookup)[0]) ?? []
    assert.deepEqual(
      lines.map((line) => Object.keys(JSON.parse(line)).slice(3)),
      [[], [], ['a'], ['b']],
    )
  })

  test('the first row takes the word back that no row was ever sent, a letter does not', () => {
    const rowless: PartitionState = { ...START, rowless: true }
    assert.equal(splice(batch([frame(1, '{"a":1}')]), rowless, lookup)[0]?.after.rowless, undefined)
    assert.equal(splice(batch([Buffer.from('xyz'), marker(0)]), rowless, lookup)[0]?.after.rowless, true)
  })

  test('a letter has the time, the key and the value of its message, and says what is known of why', () => {
    const [part] = splice(
      batch([
        { value: Buffer.from('xyz'), key: Buffer.from('k') },
        null,
        frame(9, '{}'),
        { headers: { [MARKER_HEADER]: ['{"v":2}', 'x'] } },
      ]),
      START,
      lookup,
    )
    const [foreign, none, refused, unknown] = part?.refusedFrames ?? []
    const { issues, ...place } = foreign ?? { issues: '' }
    assert.deepEqual(place, {
      ...{ offset: 100, timestampMs: 1700000000123, reason: 'no_frame' },
      ...{ key: Buffer.from('k'), value: Buffer.from('xyz') },
    })
    assert.match(issues, /byte 120/)
    assert.deepEqual([none?.key, none?.value], [null, null])
    assert.equal(refused?.issues, 'none')
    assert.deepEqual([unknown?.reason, String(unknown?.value)], ['unknown_marker', '{"v":2}'])
  })

  test('a marker in a list of headers is read', () => {
    const { headers } = marker(0, 'w5')
    const [part] = splice(
      batch([{ headers: { [MARKER_HEADER]: [headers?.[MARKER_HEADER] as Buffer] } }]),
      START,
      lookup,
    )
    assert.deepEqual([part?.markers.length, part?.after.watermark], [1, 'w5'])
  })

  test('what speaks of a share is kept with the watermark until another says otherwise', () => {
    const of = (watermark: string | null, share?: string): Partial<RawMessage> => ({
      headers: {
        [MARKER_HEADER]: JSON.stringify({ ...markerOf(1, 0, 0), watermark, ...(share === undefined ? {} : { share }) }),
      },
    })
    const after = (...messages: Partial<RawMessage>[]) => splice(batch(messages), START, lookup)[0]?.after
    assert.equal(after(of('w1', 'eu'))?.scope, 'eu')
    assert.equal(after(of('w1', 'eu'), of(null, 'us'))?.scope, 'eu')
    assert.equal(Object.hasOwn(after(of('w1', 'eu'), of('w2')) ?? {}, 'scope'), false)
  })

  test('a watermark that is not believed stays out, and the place is known until one is believed', () => {
    const declared = { field: 'at', kind: 'iso' } as const
    const good = marker(0, '2023-11-14T00:00:00Z')
    const late = marker(0, '2023-11-16T00:00:00Z')
    const [doubting] = splice(batch([good, late, marker(0)]), START, lookup, declared)
    assert.deepEqual([doubting?.after.watermark, doubting?.after.doubted], ['2023-11-14T00:00:00Z', 101])
    assert.deepEqual(
      doubting?.markers.map(({ doubts }) => doubts),
      [undefined, { watermark: 'it is more than 24 hours after its message' }, undefined],
    )
    const [believing] = splice(batch([late, good]), START, lookup, declared)
    assert.equal(Object.hasOwn(believing?.after ?? {}, 'doubted'), false)
    const replay = { ...late, headers: { ...late.headers, ...replayHeaders(1, 'replay-1') } }
    assert.equal(splice(batch([replay]), START, lookup, declared)[0]?.after.doubted, undefined)
  })

  test('the end of a complete walk is doubted where it cannot be, beside its watermark', () => {
    const complete = (from: number, startedMs = 0, watermark: string | null = null): Partial<RawMessage> => ({
      headers: { [MARKER_HEADER]: JSON.stringify({ ...markerOf(1, 0, 0), watermark, complete: { from, startedMs } }) },
    })
    const doubts = (message: Partial<RawMessage>) =>
      splice(batch([message]), START, lookup, { field: 'at', kind: 'iso' })[0]?.markers[0]?.doubts ?? {}
    assert.deepEqual(Object.keys(doubts(complete(100))), [])
    assert.deepEqual(Object.keys(doubts(complete(101))), ['complete'])
    assert.deepEqual(Object.keys(doubts(complete(100, 1700000000124))), ['complete'])
    assert.deepEqual(Object.keys(doubts(complete(101, 0, 'no instant'))), ['watermark', 'complete'])
    const replay = complete(100)
    const headers = { ...replay.headers, ...replayHeaders(1, 'replay-1') }
    assert.deepEqual(Object.keys(doubts({ headers })), ['complete'])
  })

  test('the records of a run are added up from its first page on, without gaps', () => {
    const page = (number: number, records: number, more: object = {}): Partial<RawMessage> => ({
      headers: { [MARKER_HEADER]: JSON.stringify({ ...markerOf(number, records, 0), last: false, ...more }) },
    })
    const end = (number: number, records: number) =>
      page(number, records, { last: true, complete: { from: 100, startedMs: 0 } })
    const walked = (...messages: Partial<RawMessage>[]) => {
      const [part] = splice(batch(messages), { ...START, open: null }, lookup)
      return [part?.markers.at(-1)?.walked, part?.after.walked]
    }
    assert.deepEqual(walked(page(1, 3), page(2, 4)), [undefined, { run: 'test', page: 2, records: 7 }])
    assert.deepEqual(walked(page(1, 3), page(2, 4), end(3, 5)), [12, undefined])
    assert.deepEqual(walked(end(1, 5)), [5, undefined])
    assert.deepEqual(walked(page(1, 3), end(3, 5)), [undefined, undefined])
    assert.deepEqual(walked(page(2, 3), end(3, 5)), [undefined, undefined])
    assert.deepEqual(walked(page(1, 3, { run: 'other' }), end(2, 5)), [undefined, undefined])
    assert.deepEqual(walked(page(1, 9), page(1, 3), end(2, 5)), [8, undefined])
  })

  test('a page of as many records as its marker counts is whole, one that began before reading did says nothing', () => {
    const wholeFrom = (open: number | null, records: number) =>
      splice(batch([frame(1, '{"a":1}'), marker(records)]), { ...START, open, wholeFrom: 5 }, lookup)[0]?.after
        .wholeFrom
    assert.deepEqual([wholeFrom(0, 1), wholeFrom(0, 2), wholeFrom(0, 0), wholeFrom(null, 2)], [5, 102, 102, 5])
    const [unknown] = splice(batch([marker(3), Buffer.from('xyz')]), START, lookup)
    assert.equal(unknown?.after.wholeFrom, undefined)
  })

  test('asks for each schema once where records of several take turns', () => {
    const asked: number[] = []
    const asking = (id: number) => {
      asked.push(id)
      return lookup(id)
    }
    unknownSchemas(batch([frame(1, '{}'), null, frame(1, '{}'), frame(2, '{}'), frame(1, '{}')]), asking)
    assert.deepEqual(asked, [1, 2, 1])
  })
})
