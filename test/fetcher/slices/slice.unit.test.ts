import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { discover } from '#shared/index.ts'
import {
  CHECKPOINT_BYTES_MAX,
  type Checkpoint,
  checkpointText,
  parseCheckpoint,
} from '#shared/progress/offset-metadata.ts'
import {
  knownId,
  knownOf,
  knownText,
  partitionOf,
  SLICES_PER_PARTITION_MAX,
  sliceOf,
  spread,
  streamOfSlice,
} from '../../../services/fetcher/slices/slice.ts'
import { declareOrders } from '../declared.ts'

const over = (partitions: number) => declareOrders({ partitions: discover({ over: partitions, values: () => [] }) })
const stream = over(8)
const accounts = (count: number) => Array.from({ length: count }, (_, at) => sliceOf(stream, { account: `a${at}` }))

test('the text of a share does not depend on the order of its names, and is not that of a likeness', () => {
  assert.equal(sliceOf(stream, { b: 1, a: 'x' }).text, '{"a":"x","b":1}')
  assert.equal(sliceOf(stream, { a: 'x', b: 1 }).text, '{"a":"x","b":1}')
  assert.notEqual(sliceOf(stream, { a: '1' }).text, sliceOf(stream, { a: 1 }).text)
})

test('a share is in the same partition in every version of this program, whatever else is there', () => {
  // Written down: a change of the hash would ask for everything again.
  const places = ['7', '8', '9', '10', '11'].map((account) => partitionOf(sliceOf(stream, { account }), 8))
  assert.deepEqual(places, PLACES)
})

const PLACES = [7, 1, 7, 3, 6]

test('shares are spread over all partitions, each once, in the order of their text', () => {
  const all = accounts(400)
  const spreaded = spread(stream, [...all, ...all].reverse())
  assert.equal(spreaded.flat().length, 400)
  for (const own of spreaded) {
    assert.ok(own.length > 20 && own.length < 90, `${own.length} slices`)
    assert.deepEqual(
      own.map(({ text }) => text),
      own.map(({ text }) => text).sort(),
    )
  }
})

test('too many for a partition, or too long a text, is an error that says what to do', () => {
  const isStopped = (code: string, hint: RegExp) => (error: unknown) =>
    error instanceof Stopped && error.code === code && hint.test(error.hint ?? '')
  assert.equal(spread(over(1), accounts(SLICES_PER_PARTITION_MAX))[0]?.length, SLICES_PER_PARTITION_MAX)
  assert.throws(() => spread(over(1), accounts(SLICES_PER_PARTITION_MAX + 1)), isStopped('HR_SHARES_MAX', /raise over/))
  assert.throws(() => sliceOf(stream, { account: 'x'.repeat(600) }), isStopped('HR_SHARE', /less/))
})

test('a checkpoint has room for as many known shares as there may be, with a cursor, and never loses them to a longer one', () => {
  const known = knownText(new Set(accounts(SLICES_PER_PARTITION_MAX).map(knownId)))
  assert.equal(knownOf(known).size, SLICES_PER_PARTITION_MAX)
  const at = '2026-01-01T00:00:00.123456789Z'
  const checkpoint: Checkpoint = {
    ...{
      v: 1,
      run: crypto.randomUUID(),
      page: 100_000,
      startedMs: 1_767_225_600_000,
      done: false,
      from: at,
      watermark: at,
      seen: at,
    },
    ...{ share: 'x'.repeat(12), known, coveredBelow: 1e12 },
    parents: { id: 'i'.repeat(8), at, fullMs: 1e12, whole: at, run: { to: at, foundMs: 1e12, full: true } },
    cursor: { share: 'y'.repeat(400), inner: { cursor: 'z'.repeat(300) }, walked: false, failed: 100 },
  }
  const text = checkpointText(checkpoint)
  assert.ok(Buffer.byteLength(text) <= CHECKPOINT_BYTES_MAX)
  assert.deepEqual(parseCheckpoint(text), checkpoint)
  const long = parseCheckpoint(checkpointText({ ...checkpoint, cursor: { inner: 'z'.repeat(3_000) } }))
  assert.deepEqual([long?.cursor, long?.known], [null, known])
})

test('the stream of a share has its values in its partition alone', () => {
  const { partitions } = streamOfSlice(stream, 2, sliceOf(stream, { account: 'a' }))
  assert.deepEqual([partitions.length, partitions[1], partitions[2]], [8, {}, { account: 'a' }])
})
