import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { boundsOf } from '../../services/fetcher/bounds.ts'
import { epochMs, epochSeconds, int64, z } from '../../shared/index.ts'
import { positionOf } from '../../shared/watermark.ts'
import { declareOrders } from './declared.ts'

const TYPES = { iso: z.iso.datetime({ offset: true }), ms: epochMs(), seconds: epochSeconds(), seq: int64() }
const STARTED_MS = Date.UTC(2026, 0, 1, 12, 0, 0, 750)

function until(type: keyof typeof TYPES, watermark: Record<string, unknown>, from: string | null = null): string | null {
  const schema = z.object({ id: z.string(), at: TYPES[type] })
  const stream = declareOrders({ schema, watermark: { field: 'at', param: 'since', ...watermark } })
  return boundsOf({ stream, from, startedMs: STARTED_MS }).texts.until
}

describe('where a run ends', () => {
  test('nowhere, when nothing is given time to settle, or the API cannot be asked for an end', () => {
    assert.equal(until('iso', { to: 'until' }), null)
    assert.equal(until('iso', { settle: '5m' }), null)
    assert.equal(until('seq', { to: 'until' }), null)
  })

  test('so long before the start of the run, in the form of the beginning, rounded down', () => {
    assert.equal(until('iso', { settle: '5m', to: 'until' }), '2026-01-01T11:55:00.750Z')
    assert.equal(until('iso', { settle: '5m', to: 'until', as: 'isoSeconds' }), '2026-01-01T11:55:00Z')
    assert.equal(until('iso', { settle: '1d', to: 'until', as: 'isoDate' }), '2025-12-31')
    assert.equal(until('ms', { settle: '1s', to: 'until' }), String(STARTED_MS - 1000))
    assert.equal(until('seconds', { settle: '1s', to: 'until' }), String(Math.floor(STARTED_MS / 1000) - 1))
  })

  test('one unit earlier where the API gives records that are equal to the end', () => {
    assert.equal(until('iso', { settle: '5m', to: 'until', inclusiveEnd: true }), '2026-01-01T11:55:00.749Z')
    assert.equal(until('iso', { settle: '5m', to: 'until', inclusiveEnd: true, as: 'isoSeconds' }), '2026-01-01T11:54:59Z')
  })

  test('behind where it begins, when even that has not settled', () => {
    const settle = { settle: '5m', to: 'until' }
    assert.equal(until('iso', settle, '2026-01-01T11:55:00.75Z'), '2026-01-01T11:55:00.751Z')
    assert.equal(until('iso', settle, '2026-01-01T11:58:00Z'), '2026-01-01T11:58:00.001Z')
    assert.equal(until('iso', { ...settle, as: 'isoSeconds' }, '2026-01-01T11:58:00.9Z'), '2026-01-01T11:58:01Z')
    assert.equal(until('iso', { ...settle, lookback: '10m' }, '2026-01-01T11:58:00Z'), '2026-01-01T11:55:00.750Z')
  })
})

describe('what a backfill asks for', () => {
  const at = (text: string) => positionOf('iso', text)
  const asked = (watermark: Record<string, unknown>, from: string, to: string) =>
    boundsOf({
      stream: declareOrders({ watermark: { field: 'updated_at', param: 'since', ...watermark } }),
      from,
      startedMs: STARTED_MS,
      to: at(to),
    }).texts

  test('is from the beginning on, without a lookback, up to the end where the API takes one', () => {
    const day = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'] as const
    assert.deepEqual(asked({ lookback: '1h', settle: '1h' }, ...day), { since: '2026-01-01T00:00:00.000Z', until: null })
    assert.deepEqual(asked({ to: 'until', lookback: '1h' }, ...day), {
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-02T00:00:00.000Z',
    })
    assert.deepEqual(asked({ to: 'until', exclusive: true, inclusiveEnd: true }, ...day), {
      ...{ since: '2025-12-31T23:59:59.999Z', until: '2026-01-01T23:59:59.999Z' },
    })
  })

  test('is rounded outwards to what the request can say', () => {
    const odd = ['2026-01-01T10:00:00.5Z', '2026-01-02T10:00:00.5Z'] as const
    assert.deepEqual(asked({ to: 'until', as: 'isoSeconds' }, ...odd), { since: '2026-01-01T10:00:00Z', until: '2026-01-02T10:00:01Z' })
    assert.deepEqual(asked({ to: 'until', as: 'isoDate' }, ...odd), { since: '2026-01-01', until: '2026-01-03' })
    assert.deepEqual(asked({ to: 'until', as: 'isoDate' }, '2026-01-01', '2026-01-02'), { since: '2026-01-01', until: '2026-01-02' })
  })
})
