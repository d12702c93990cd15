/** The step over a watermark that the request does not hold, or that an author's function writes. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { none } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { checkSource } from '../../../../services/fetcher/authoring/check/check.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Asked, startServer } from '../../../support/http.ts'
import { declareShop, order } from '../../declared.ts'
import { PATIENT } from '../authoring.ts'

const ORDERS = [order('c', 300), order('b', 200), order('a', 100)]

async function stepFor(t: TestContext, watermark: Record<string, unknown>, data: (asked: Asked) => unknown[]) {
  const server = await startServer(t, (asked) => ({ json: { data: data(asked) } }))
  const stream = { watermark: { field: 'updated_at', ...watermark }, paginate: none() }
  const shop = declareShop(stream, { baseUrl: server.url, ...PATIENT })
  const tools = { clock: fastClock(), log: silentLog, resolver: resolverFor({}), signal: new AbortController().signal }
  const { steps } = await checkSource({ source: shop, streams: shop.streams, ...tools })
  const step = steps.find(({ step: name }) => name === 'watermark')
  assert.ok(step !== undefined)
  return { ...step, requests: server.requests }
}

describe('the watermark of an API that cannot be asked', () => {
  test('is fine where the records come newest first, or where everything is walked', async (t) => {
    const feed = await stepFor(t, { walk: 'newest-first' }, () => ORDERS)
    assert.deepEqual([feed.status, feed.requests.length], ['ok', 1])
    assert.match(feed.says, /updated_at up to .*, newest first/)
    const all = await stepFor(t, { walk: 'everything' }, () => ORDERS.toReversed())
    assert.deepEqual([all.status, /every run walks everything/.test(all.says)], ['ok', true])
  })

  test('fails where the records come in another order, and says which', async (t) => {
    const step = await stepFor(t, { walk: 'newest-first' }, () => ORDERS.toReversed())
    assert.equal(step.status, 'failed')
    assert.match(step.says, /record 2 is newer than the one before it/)
    assert.match(step.advice ?? '', /walk: 'everything'/)
    const late = await stepFor(t, { walk: 'newest-first', lookback: '2m' }, () => ORDERS.toReversed())
    assert.equal(late.status, 'ok')
  })
})

test("an author's form is asked for as the runs do, and its precision is allowed for", async (t) => {
  const since = ({ query }: Asked) => `${query.get('since') ?? '2026-01-01 00:00'}`.replace(' ', 'T')
  const as = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ')
  const step = await stepFor(t, { param: 'since', as }, (asked) =>
    ORDERS.filter(({ updated_at }) => String(updated_at) >= since(asked)),
  )
  assert.equal(step.status, 'ok', step.says)
})
