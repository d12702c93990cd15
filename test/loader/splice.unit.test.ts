import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf, type Chunk, type PartitionState, type Target } from '../../services/loader/chunk.ts'
import { originOf } from '../../services/loader/rows.ts'
import { bytesOfBatch, type Refused, splice, unknownSchemas } from '../../services/loader/splice.ts'
import type { RawMessage, ReadBatch } from '../../shared/kafka.ts'
import { frame, MARKER_HEADER, replayHeaders } from '../../shared/wire.ts'
import { markerOf } from '../support/published.ts'
import { testSeed } from '../support/seed.ts'

const target = (id: number): Target => ({
  id,
  schema: { id, json: {}, check: () => [] },
  spec: { table: `table_${id}`, columns: [], primaryKey: ['id'], watermark: null },
})
const KNOWN = new Map<number, Target | Refused>([
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
      JSON.stringify({ ...markerOf(1, records, 0), watermark, ...(coveredBelow === undefined ? {} : { coveredBelow }) }),
    ),
  },
})
const START: PartitionState = { nextOffset: 100, watermark: 'w0', open: 0, lost: null }
const linesOf = (chunk: Chunk | undefined) => chunk?.body.toString().split('\n').slice(0, -1)

describe('splicing', () => {
  test("writes the loader's columns in front of the record's own bytes", () => {
    const [chunk, ...others] = splice(
      batch([frame(1, '{"id":"ü","n":1.50}'), frame(1, '{}'), frame(1, '{ \n }'), frame(1, '{ "a" : 1 }')]),
      START,
      lookup,
    )
    assert.equal(others.length, 0)
    const head = (offset: number) => `{"_partition":7,"_offset":${offset},"_fetched_at":1700000000123`
    assert.deepEqual(linesOf(chunk), [`${head(100)},"id":"ü","n":1.50}`, `${head(101)}}`, `${head(102)}}`, `${head(103)}, "a" : 1 }`])
    assert.equal(chunk?.after.nextOffset, 105)
    assert.equal(chunk?.after.open, 4)
  })

  test('keeps nothing of the bytes that it was lent', () => {
    const lent = [Buffer.from('key'), Buffer.from('no frame'), frame(1, '{"a":1}')] as const
    const [chunk] = splice(batch([{ key: lent[0], value: lent[1] }, lent[2]]), START, lookup)
    for (const bytes of lent) bytes.fill(0)
    assert.deepEqual([String(chunk?.letters[0]?.key), String(chunk?.letters[0]?.value)], ['key', 'no frame'])
    assert.match(String(linesOf(chunk)), /,"a":1}$/)
  })

  test('counts no replayed record to the page that it lies in, and no watermark of its marker', () => {
    const replayed = (value: Buffer): Partial<RawMessage> => ({ value, headers: replayHeaders(3, 't.dead-letters/7/4') })
    const { headers } = marker(1, 'w9')
    const replayMarker: Partial<RawMessage> = { value: null, headers: { ...headers, ...replayHeaders(1, 'replay-1') } }
    const messages = [frame(1, '{"a":1}'), replayed(frame(1, '{"a":2}')), replayed(frame(9, '{}')), replayMarker, frame(1, '{"a":3}')]
    const [chunk] = splice(batch([...messages, marker(2, 'w1'), replayed(frame(1, '{"a":4}'))]), START, lookup)
    assert.deepEqual(
      chunk?.markers.map(({ offset, counted }) => [offset, counted]),
      [
        [103, null],
        [105, 2],
      ],
    )
    assert.deepEqual([chunk?.rows, chunk?.after.open, chunk?.after.watermark], [4, 0, 'w1'])
    assert.deepEqual(
      [...(chunk?.replays ?? [])],
      [101, 102, 106].map((offset) => [offset, 3]),
    )
  })

  test('begins another chunk where the schema changes, each with the offset that it ends at', () => {
    const chunks = splice(batch([frame(1, '{"a":1}'), frame(2, '{"a":2}'), frame(2, '{"a":3}'), frame(1, '{"a":4}')]), START, lookup)
    assert.deepEqual(
      chunks.map(({ target: of, rows, after }) => [of?.id, rows, after.nextOffset, after.open]),
      [
        [1, 1, 101, 1],
        [2, 2, 103, 3],
        [1, 1, 105, 4],
      ],
    )
  })

  test('a marker ends the count of its page and moves the watermark only when it carries one', () => {
    const [chunk] = splice(
      batch([frame(1, '{"a":1}'), marker(2), frame(1, '{"a":1}'), marker(1, 'w1'), frame(1, '{"a":1}')]),
      { ...START, open: 1 },
      lookup,
    )
    assert.deepEqual(
      chunk?.markers.map(({ offset, counted }) => [offset, counted]),
      [
        [101, 2],
        [103, 1],
      ],
    )
    assert.deepEqual(chunk?.after, { nextOffset: 106, watermark: 'w1', open: 1, lost: null })
  })

  test('from where on everything was read and accepted: behind the last letter, and behind a page that was not read whole', () => {
    const complete = {
      ...marker(1),
      headers: { [MARKER_HEADER]: JSON.stringify({ ...markerOf(7, 1, 0), complete: { from: 100, startedMs: 0 } }) },
    }
    const wholeFrom = (...messages: Parameters<typeof batch>[0]) => {
      const [chunk] = splice(batch([...messages, frame(1, '{"a":1}'), complete]), { ...START, wholeFrom: 100 }, lookup)
      return [chunk?.markers.at(-1)?.wholeFrom, chunk?.after.wholeFrom]
    }
    assert.deepEqual(wholeFrom(frame(1, '{"a":1}'), marker(1)), [100, 100])
    assert.deepEqual(wholeFrom(Buffer.from('xyz{}'), marker(1)), [101, 101])
    assert.deepEqual(wholeFrom(frame(1, '{"a":1}'), marker(2)), [102, 102])
    const [unknown] = splice(batch([complete]), START, lookup)
    assert.equal(unknown?.markers[0]?.wholeFrom, undefined)
  })

  test('an unknown count stays unknown until the next marker', () => {
    const [chunk] = splice(batch([frame(1, '{"a":1}'), marker(9), frame(1, '{"a":1}'), marker(1)]), { ...START, open: null }, lookup)
    assert.deepEqual(
      chunk?.markers.map(({ counted }) => counted),
      [null, 1],
    )
  })

  test('while records are lost, markers carry no watermark before the run that asked for them again', () => {
    const lost = { from: 50, below: 100 }
    const of = (watermark: string, coveredBelow?: number) => marker(0, watermark, coveredBelow)
    const [chunk] = splice(batch([of('w1'), of('w2', 99)]), { ...START, lost }, lookup)
    assert.deepEqual([chunk?.after.watermark, chunk?.after.lost?.below], ['w0', 100])
    const [later] = splice(batch([of('w1'), of('w2', 100), of('w3')]), { ...START, lost }, lookup)
    assert.deepEqual([later?.after.watermark, later?.after.lost], ['w3', null])
  })

  test('what is no frame becomes a letter with its bytes and a reason, and counts as read', () => {
    const [chunk] = splice(
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
      chunk?.letters.map(({ reason, offset }) => `${reason} ${offset}`),
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
    assert.equal(chunk?.after.open, 8)
    assert.deepEqual(chunk?.letters[1]?.value, Buffer.from('xyz{}'))
  })

  test('a batch of nothing but control records still moves the offset', () => {
    const [chunk] = splice(batch([]), START, lookup)
    assert.deepEqual([chunk?.rows, chunk?.target, chunk?.after.nextOffset], [0, null, 101])
  })

  test('gives nothing while one of the schemas is not known', () => {
    assert.deepEqual(splice(batch([frame(1, '{"a":1}'), frame(5, '{"a":1}')]), START, lookup), [])
  })

  test('names the schemas that are not known, once each', () => {
    assert.deepEqual(
      unknownSchemas(batch([frame(1, '{"a":1}'), frame(5, '{"a":1}'), frame(6, '{"a":1}'), frame(5, '{"a":1}'), null]), lookup),
      [5, 6],
    )
  })

  test('every line is the record, whatever it holds, and gives its bytes back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(1, 2), fc.dictionary(fc.string(), fc.jsonValue())), { maxLength: 20 }), (records) => {
        const payloads = records.map(([id, record]) => [id, JSON.stringify(record)] as const)
        const read = batch(payloads.map(([id, text]) => frame(id, text)))
        const chunks = splice(read, START, lookup)
        const whole = batchOf(chunks)
        assert.ok(chunks.reduce((total, { body }) => total + body.length, 0) <= bytesOfBatch(read))
        assert.equal(whole.bytes, bytesOfBatch(read))
        for (const [row, [, text]] of payloads.entries()) {
          const origin = originOf(whole, row)
          assert.deepEqual(
            [origin.partition, origin.offset, origin.fetchedAtMs, origin.payload.toString()],
            [7, 100 + row, 1700000000123, text],
          )
        }
      }),
      { seed: testSeed() },
    )
  })
})
