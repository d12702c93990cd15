import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type BatchPart,
  batchOf,
  committableOf,
  releaseRows,
  restOf,
  tableOf,
} from '../../../services/loader/batch/batch.ts'

/** More than Node's pool of small buffers, whose memory others share. */
const BODY_BYTES = 100_000

function part(partition: number, nextOffset: number, given: Partial<BatchPart> = {}): BatchPart {
  const rest = restOf({ topic: 't', partition, generation: 3 }, { nextOffset, watermark: null, open: 0, lost: null })
  return { ...rest, body: Buffer.alloc(BODY_BYTES), ...given }
}

describe('a batch', () => {
  test('has the rows and bytes of its chunks together, and their topic and assignment', () => {
    const { topic, generation, rows, bytes } = batchOf([
      part(0, 1, { rows: 3, bytes: 40 }),
      part(1, 1),
      part(0, 2, { rows: 5, bytes: 2 }),
    ])
    assert.deepEqual({ topic, generation, rows, bytes }, { topic: 't', generation: 3, rows: 8, bytes: 42 })
  })

  test('makes of each partition what its last chunk makes of it', () => {
    const states = committableOf(batchOf([part(0, 1), part(1, 7), part(0, 2)]))
    assert.deepEqual(
      [...states].map(([partition, { nextOffset }]) => [partition, nextOffset]),
      [
        [0, 2],
        [1, 7],
      ],
    )
  })

  test('gives the memory of its rows back, unless an insert of it failed, which may still be sending them', () => {
    const lengths = (failed?: boolean) => {
      const batch = { ...batchOf([part(0, 1), part(1, 1)]), ...(failed === undefined ? {} : { failed }) }
      releaseRows(batch)
      return batch.parts.map(({ body }) => body.length)
    }
    assert.deepEqual(
      [lengths(), lengths(false)],
      [
        [0, 0],
        [0, 0],
      ],
    )
    assert.deepEqual(lengths(true), [BODY_BYTES, BODY_BYTES])
  })
})

test('a chunk without rows is of no table', () => {
  const target = {
    id: 1,
    schema: { id: 1, json: {}, check: () => [] },
    spec: { table: 'a', columns: [], primaryKey: ['id'], watermark: null },
  }
  assert.deepEqual([tableOf(part(0, 1)), tableOf(part(0, 1, { target }))], [null, 'a'])
  const { body, ends, rows, bytes, refusedFrames, markers } = restOf(
    { topic: 't', partition: 0, generation: 3 },
    part(0, 1).after,
  )
  assert.deepEqual([body.length, ends.length, rows, bytes, refusedFrames, markers], [0, 0, 0, 0, [], []])
})
