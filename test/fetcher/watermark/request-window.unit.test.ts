import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { positionOf } from '#shared/watermark.ts'
import { boundsOf, sinceText } from '../../../services/fetcher/watermark/request-window.ts'
import { declareOrders } from '../declared.ts'

const TYPES = {
  iso: z.iso.datetime({ offset: true }),
  ms: epochMs(),
  seconds: epochSeconds(),
  seq: int64(),
  text: z.string(),
}
const STARTED_MS = Date.UTC(2026, 0, 1, 12, 0, 0, 750)

function until(
  type: keyof typeof TYPES,
  watermark: Record<string, unknown>,
  from: string | null = null,
): string | null {
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
    assert.equal(
      until('iso', { settle: '5m', to: 'until', inclusiveEnd: true, as: 'isoSeconds' }),
      '2026-01-01T11:54:59Z',
    )
  })

  test('behind where it begins, when even that has not settled', () => {
    const settle = { settle: '5m', to: 'until' }
    assert.equal(until('iso', settle, '2026-01-01T11:55:00.75Z'), '2026-01-01T11:55:00.751Z')
    assert.equal(until('iso', settle, '2026-01-01T11:58:00Z'), '2026-01-01T11:58:00.001Z')
    assert.equal(until('iso', { ...settle, as: 'isoSeconds' }, '2026-01-01T11:58:00.9Z'), '2026-01-01T11:58:01Z')
    assert.equal(until('iso', { ...settle, lookback: '10m' }, '2026-01-01T11:58:00Z'), '2026-01-01T11:55:00.750Z')
  })
})

describe('what a run asks for', () => {
  const MINUTE_NS = 60_000_000_000n
  const START_NS = BigInt(STARTED_MS) * 1_000_000n
  const declared = (watermark: Record<string, unknown>) =>
    declareOrders({ watermark: { field: 'updated_at', param: 'since', start: '2026-01-01T00:00:00Z', ...watermark } })
  const bounds = (watermark: Record<string, unknown>, walk: Partial<Parameters<typeof boundsOf>[0]> = {}) =>
    boundsOf({ stream: declared(watermark), from: null, startedMs: STARTED_MS, ...walk })

  test('is everything, for a stream without a watermark, also where one is stored and an end is given', () => {
    const stream = declareOrders({ watermark: undefined })
    assert.deepEqual(boundsOf({ stream, from: '2026-01-01T00:00:00Z', startedMs: STARTED_MS, to: 5n }), {
      ...{ since: null, until: null, texts: { since: null, until: null } },
    })
  })

  test('begins at the watermark less the lookback, else at the declared start, and is open at its end', () => {
    const from = '2026-01-01T11:00:00Z'
    for (const to of [undefined, null]) {
      assert.deepEqual(bounds({ lookback: '1h' }, { from, to }), {
        ...{ since: positionOf('iso', '2026-01-01T10:00:00Z'), until: null },
        texts: { since: '2026-01-01T10:00:00.000Z', until: null },
      })
      assert.equal(bounds({ lookback: '1h' }, { to }).texts.since, '2026-01-01T00:00:00.000Z')
    }
  })

  test('has an end by what is given time to settle, also where the API cannot be asked for it', () => {
    assert.equal(bounds({ settle: '5m' }).until, START_NS - 5n * MINUTE_NS)
    assert.equal(bounds({ settle: '5m' }, { startedMs: STARTED_MS + 0.9 }).until, START_NS - 5n * MINUTE_NS)
    assert.equal(bounds({ settle: '5m' }).texts.until, null)
    assert.equal(bounds({ settle: '5m', start: undefined }).until, START_NS - 5n * MINUTE_NS)
  })

  test('is asked for an end in the body as in a parameter', () => {
    const { watermark } = declared({ settle: '5m' })
    assert.ok(watermark !== null)
    const stream = { watermark: { ...watermark, endPlace: { body: '/filter/until' } } }
    assert.equal(boundsOf({ stream, from: null, startedMs: STARTED_MS }).texts.until, '2026-01-01T11:55:00.750Z')
  })

  test('of a backfill has the positions of its ends, rounded up to what the request can say', () => {
    const from = '2026-01-01T10:00:00Z'
    const asked = bounds({ lookback: '1h', settle: '5m' }, { from, to: START_NS })
    assert.deepEqual([asked.since, asked.until], [positionOf('iso', from), START_NS])
    assert.equal(bounds({}, { from, to: START_NS + 1n }).until, START_NS + 1_000_000n)
    assert.equal(bounds({ as: 'isoSeconds' }, { from, to: START_NS }).until, START_NS + 250_000_000n)
  })

  test("of a backfill has one unit more in an author's form, whose days can be those of another zone", () => {
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York', dateStyle: 'short' })
    const { until, texts } = bounds({ as: (at: Date) => day.format(at), to: 'until' }, { from: null, to: START_NS })
    assert.equal(until, positionOf('iso', '2026-01-03'))
    // In New York, the day before it begins after the end.
    assert.equal(texts.until, '2026-01-02')
  })

  test('of a backfill of a sequence or of texts has the very end', () => {
    const of = (type: z.ZodType, from: string, to: bigint | string) => {
      const schema = z.object({ id: z.string(), at: type })
      const stream = declareOrders({ schema, watermark: { field: 'at', param: 'since', to: 'until' } })
      return boundsOf({ stream, from, startedMs: STARTED_MS, to })
    }
    assert.deepEqual(of(int64(), '3', 6n), { since: 3n, until: 6n, texts: { since: '3', until: '6' } })
    assert.deepEqual(of(z.string(), 'b', 'd'), { since: 'b', until: 'd', texts: { since: 'b', until: 'd' } })
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
    assert.deepEqual(asked({ lookback: '1h', settle: '1h' }, ...day), {
      since: '2026-01-01T00:00:00.000Z',
      until: null,
    })
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
    assert.deepEqual(asked({ to: 'until', as: 'isoSeconds' }, ...odd), {
      since: '2026-01-01T10:00:00Z',
      until: '2026-01-02T10:00:01Z',
    })
    assert.deepEqual(asked({ to: 'until', as: 'isoDate' }, ...odd), { since: '2026-01-01', until: '2026-01-03' })
    assert.deepEqual(asked({ to: 'until', as: 'isoDate' }, '2026-01-01', '2026-01-02'), {
      since: '2026-01-01',
      until: '2026-01-02',
    })
  })
})

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
