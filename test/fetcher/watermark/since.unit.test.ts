import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { sinceText } from '../../../services/fetcher/watermark/since.ts'
import { declareOrders } from '../declared.ts'

const TYPES = {
  iso: z.iso.datetime({ offset: true }),
  ms: epochMs(),
  seconds: epochSeconds(),
  seq: int64(),
  text: z.string(),
}

function since(type: keyof typeof TYPES, from: string | null, watermark: Record<string, unknown> = {}): string | null {
  const schema = z.object({ id: z.string(), at: TYPES[type] })
  return sinceText(from, declareOrders({ schema, watermark: { field: 'at', param: 'since', ...watermark } }))
}

describe('what a run asks from', () => {
  test('everything, without a watermark field, or when nothing is confirmed and no start is declared', () => {
    assert.equal(sinceText('2026-01-01T00:00:00Z', declareOrders({ watermark: undefined })), null)
    assert.equal(since('iso', null), null)
  })

  test('everything, when the text is not of the field: too much is asked for, never too little', () => {
    assert.equal(since('seq', 'not a number'), null)
  })

  test('the declared start, without the lookback, when nothing is confirmed', () => {
    assert.equal(since('iso', null, { start: '2026-01-01T00:00:00Z', lookback: '1h' }), '2026-01-01T00:00:00.000Z')
    assert.equal(since('ms', null, { start: 1_767_225_600_000 }), '1767225600000')
  })

  test('the watermark less the lookback: a time for instants, units for sequences', () => {
    assert.equal(since('iso', '2026-01-01T01:00:00Z', { lookback: '90s' }), '2026-01-01T00:58:30.000Z')
    assert.equal(since('ms', '2026-01-01T00:00:01.5Z', { lookback: '500ms' }), '1767225601000')
    assert.equal(since('seq', '9007199254740993', { lookback: 3 }), '9007199254740990')
  })

  test('one step of its form earlier, where the API leaves equal records out', () => {
    const exclusive = { exclusive: true }
    assert.equal(since('iso', '2026-01-01T00:00:01Z', exclusive), '2026-01-01T00:00:00.999Z')
    assert.equal(since('iso', '2026-01-01T00:00:01Z', { ...exclusive, as: 'isoSeconds' }), '2026-01-01T00:00:00Z')
    assert.equal(since('iso', '2026-01-02T10:00:00Z', { ...exclusive, as: 'isoDate' }), '2026-01-01')
    assert.equal(since('ms', '2026-01-01T00:00:01Z', exclusive), '1767225600999')
    assert.equal(since('seconds', '2026-01-01T00:00:01Z', exclusive), '1767225600')
    assert.equal(since('seq', '100', { ...exclusive, lookback: 10 }), '89')
    assert.equal(since('seq', null, { ...exclusive, start: 5 }), '4')
  })

  test('rounded down to what the form can say, so that nothing is passed over', () => {
    assert.equal(since('iso', '2026-01-01T00:00:01.999999999Z'), '2026-01-01T00:00:01.999Z')
    assert.equal(since('iso', '2026-01-01T00:00:01.999Z', { as: 'isoSeconds' }), '2026-01-01T00:00:01Z')
    assert.equal(since('iso', '2026-01-01T23:59:59Z', { as: 'isoDate' }), '2026-01-01')
    assert.equal(since('iso', '2026-01-01T00:00:01.999Z', { as: 'epochSeconds' }), '1767225601')
    assert.equal(since('text', 'key-7'), 'key-7')
  })
})
