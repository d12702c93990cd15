import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { int64, z } from '#shared/index.ts'
import { comparePositions, positionOf, watermarkText } from '#shared/watermark.ts'
import { floorOf } from '../../../services/fetcher/watermark/floor.ts'
import { sinceText } from '../../../services/fetcher/watermark/since.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders } from '../declared.ts'

const TYPES = { iso: z.iso.datetime({ offset: true }), seq: int64(), text: z.string() }

describe('the floor, below which no later run asks', () => {
  const progress = (watermark: bigint | string | null, sorted = true) => ({
    watermark,
    seen: watermark,
    sorted,
    last: watermark,
  })
  const orders = (type: keyof typeof TYPES, watermark: Record<string, unknown> = {}) =>
    declareOrders({
      schema: z.object({ id: z.string(), at: TYPES[type] }),
      watermark: { field: 'at', param: 'since', ...watermark },
    })

  test('there is none while the walk is out of order, before the first watermark, and without a watermark field', () => {
    assert.equal(floorOf(progress(10n, false), orders('seq').watermark), null)
    assert.equal(floorOf(progress(null), orders('seq').watermark), null)
    assert.equal(floorOf(progress(10n), null), null)
  })

  test('a text has no earlier one: it is the watermark itself', () => {
    assert.equal(floorOf(progress('key-7'), orders('text').watermark), 'key-7')
  })

  test('whatever the form, the lookback and the rounding: the next run asks from there or later', () => {
    const forms = { iso: ['iso', 'isoSeconds', 'isoDate', 'epochMs', 'epochSeconds'], seq: ['plain'] } as const
    const cases = fc.oneof(
      fc.record({
        type: fc.constant('iso' as const),
        as: fc.constantFrom(...forms.iso),
        lookback: fc.constantFrom('0s', '7ms', '90s', '3d'),
      }),
      fc.record({
        type: fc.constant('seq' as const),
        as: fc.constantFrom(...forms.seq),
        lookback: fc.constantFrom(0, 1, 500),
      }),
    )
    const at = fc.bigInt({ min: 10n ** 12n, max: 4n * 10n ** 18n })
    fc.assert(
      fc.property(cases, at, fc.boolean(), ({ type, as, lookback }, reached, exclusive) => {
        const stream = orders(type, { as, lookback, exclusive })
        const kind = type === 'iso' ? 'iso' : 'integer'
        const asked = sinceText(watermarkText(kind, reached), stream)
        const askedAs = as === 'epochMs' || as === 'epochSeconds' ? as : kind
        const askedFrom = positionOf(askedAs, asked !== null && askedAs === 'epochMs' ? Number(asked) : asked)
        const floor = floorOf(progress(reached), stream.watermark)
        assert.ok(
          floor !== null && askedFrom !== null && comparePositions(floor, askedFrom) <= 0,
          `${floor} ${askedFrom}`,
        )
      }),
      { seed: testSeed() },
    )
  })
})
