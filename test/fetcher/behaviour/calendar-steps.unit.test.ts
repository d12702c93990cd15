/** Windows and lookbacks of months and years, in UTC, walked over a real server and interrupted behind every page. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { none, windows, z } from '#shared/index.ts'
import { type Script, walk, walkBothWays } from '../pages/paginators/walking.ts'

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const watermark = { field: 'at', param: 'since', as: 'isoDate' }
const empty: Script = () => ({ json: { data: [] } })
const ranges = ({ requests }: Awaited<ReturnType<typeof walk>>) =>
  requests.map(({ query }) => `${query.get('since')} ${query.get('until')}`)

describe('windows', () => {
  const monthly = windows({ to: 'until', size: 'P1M', pages: none() })

  test('of a month end where the next month has that day, or its last one', async (t) => {
    const stream = { schema, watermark: { ...watermark, start: '2025-10-31T00:00:00Z' } }
    const walked = await walkBothWays(t, monthly, () => empty, { stream })
    assert.deepEqual(ranges(walked), ['2025-10-31 2025-11-30', '2025-11-30 2025-12-30', '2025-12-30 2026-01-10'])
  })

  test('of a month that hit the cap are halved, and grow back to months', async (t) => {
    const stream = { schema, watermark: { ...watermark, start: '2025-08-01T00:00:00Z' } }
    const paginate = windows({ to: 'until', size: 'P1M', cap: '/capped', pages: none() })
    const script: Script = ({ query }) => ({ json: { data: [], capped: query.get('until') === '2025-09-01' } })
    const walked = await walkBothWays(t, paginate, () => script, { stream })
    assert.deepEqual(ranges(walked), [
      ...['2025-08-01 2025-09-01', '2025-08-01 2025-08-16', '2025-08-16 2025-09-15', '2025-09-15 2025-10-15'],
      ...['2025-10-15 2025-11-15', '2025-11-15 2025-12-15', '2025-12-15 2026-01-10'],
    ])
  })

  test('of a year', async (t) => {
    const stream = { schema, watermark: { ...watermark, start: '2024-02-29T00:00:00Z' } }
    const walked = await walk(t, windows({ to: 'until', size: 'P1Y', pages: none() }), empty, { stream })
    assert.deepEqual(ranges(walked), ['2024-02-29 2025-02-28', '2025-02-28 2026-01-10'])
  })
})

test('a lookback of a month asks from the same day of the month before', async (t) => {
  const asked = async (from: string) => {
    const stream = { schema, watermark: { ...watermark, lookback: 'P1M' } }
    const { requests } = await walk(t, none(), empty, { stream, from })
    return requests[0]?.query.get('since')
  }
  assert.equal(await asked('2026-03-31T12:00:00Z'), '2026-02-28')
  assert.equal(await asked('2026-01-15T12:00:00Z'), '2025-12-15')
})
