import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { positionsOf } from '../../../services/fetcher/pages/raw-positions.ts'
import { declareSource, streamOf } from '../http/fixture.ts'

const AT = '2026-01-01T00:00:00Z'
const AT_NS = BigInt(Date.parse(AT)) * 1_000_000n

function positions(records: readonly unknown[], stream: Record<string, unknown> = {}) {
  const declared = streamOf(
    declareSource(
      'https://api.shop.example',
      {},
      {
        ...{ schema: z.object({ id: z.string(), at: z.iso.datetime() }), watermark: { field: 'at', param: 'since' } },
        ...stream,
      },
    ),
  )
  const response = { body: { day: '2026-01-01' }, headers: {} } as never
  return positionsOf(declared, 0, { records, response })
}

describe('the position of a raw record', () => {
  test('is that of its field, and null where it has none', () => {
    assert.deepEqual(positions([{ at: AT }, { at: 'soon' }, {}, null, 'text', 7]), [
      AT_NS,
      null,
      null,
      null,
      null,
      null,
    ])
    assert.deepEqual(positions([{ at: AT }], { watermark: undefined }), [null])
  })

  test('is that of what map makes of it and of its envelope, and null where map throws or omits it', () => {
    const map = (raw: unknown) => {
      const { hour, day } = raw as { hour?: string; day: string }
      if (hour === undefined) throw new Error('no hour')
      return hour === '' ? undefined : { id: 'a', at: `${day}T${hour}:00:00Z` }
    }
    const stream = { map, envelope: { day: '/day' } }
    assert.deepEqual(positions([{ hour: '00' }, {}, { hour: '' }], stream), [AT_NS, null, null])
    assert.deepEqual(positions([], stream), [])
  })
})
