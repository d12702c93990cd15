import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { untilText } from '../../services/fetcher/until.ts'
import { epochMs, epochSeconds, int64, z } from '../../shared/index.ts'
import { declareOrders } from './declared.ts'

const TYPES = { iso: z.iso.datetime({ offset: true }), ms: epochMs(), seconds: epochSeconds(), seq: int64() }
const STARTED_MS = Date.UTC(2026, 0, 1, 12, 0, 0, 750)

function until(type: keyof typeof TYPES, watermark: Record<string, unknown>, from: string | null = null): string | null {
  const schema = z.object({ id: z.string(), at: TYPES[type] })
  const stream = declareOrders({ schema, watermark: { field: 'at', param: 'since', ...watermark } })
  return untilText({ stream, from, startedMs: STARTED_MS })
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
