import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { completeDoubt, WATERMARK_AHEAD_MAX_MS, watermarkDoubt } from '#shared/messages/marker-trust.ts'

const AT_MS = Date.UTC(2026, 0, 1)
const iso = (ms: number) => new Date(ms).toISOString()
const instant = { field: 'at', kind: 'iso' } as const

describe('a watermark of a marker', () => {
  test('is not believed without a schema, nor where none is declared, nor of another kind', () => {
    assert.match(watermarkDoubt(iso(AT_MS), 'unregistered', AT_MS) ?? '', /no schema/)
    assert.match(watermarkDoubt(iso(AT_MS), null, AT_MS) ?? '', /declares no watermark/)
    assert.match(watermarkDoubt('7', instant, AT_MS) ?? '', /kind iso/)
    assert.match(watermarkDoubt('soon', { field: 'n', kind: 'integer' }, AT_MS) ?? '', /kind integer/)
  })

  for (const kind of ['iso', 'epochMs', 'epochSeconds'] as const) {
    test(`of kind ${kind} is believed up to 24 hours after its message`, () => {
      const declared = { field: 'at', kind }
      assert.equal(watermarkDoubt(iso(AT_MS + WATERMARK_AHEAD_MAX_MS), declared, AT_MS), null)
      assert.match(watermarkDoubt(iso(AT_MS + WATERMARK_AHEAD_MAX_MS + 1), declared, AT_MS) ?? '', /24 hours/)
    })
  }

  test('of another kind has no such bound', () => {
    assert.equal(watermarkDoubt('999999999999999999999', { field: 'n', kind: 'integer' }, AT_MS), null)
    assert.equal(watermarkDoubt('3000-01-01', { field: 'n', kind: 'text' }, AT_MS), null)
  })
})

describe('a claim to end a complete walk', () => {
  const doubt = (complete: { from: number; startedMs: number }, isReplay = false) =>
    completeDoubt({ complete }, { offset: 9, timestampMs: AT_MS, isReplay })

  test('is not believed later than its message, before the epoch, from behind its own end, or of replayed dead letters', () => {
    assert.match(doubt({ from: 0, startedMs: AT_MS + 1 }) ?? '', /after its own last message/)
    assert.notEqual(doubt({ from: 0, startedMs: -1 }), null)
    assert.match(doubt({ from: 10, startedMs: AT_MS - 1 }) ?? '', /behind its own end/)
    assert.match(doubt({ from: 0, startedMs: AT_MS - 1 }, true) ?? '', /replayed/)
  })

  test('is believed otherwise; a marker that claims nothing is not doubted', () => {
    assert.equal(doubt({ from: 9, startedMs: AT_MS }), null)
    assert.equal(completeDoubt({}, { offset: 0, timestampMs: 0, isReplay: true }), null)
  })
})
