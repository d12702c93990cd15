/**
 * Quotas and places as a real server counts them, through the whole client: retries spend quota too, and one path waits
 * for itself alone.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearer, secret } from '#shared/index.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, startServer } from '../../support/http.ts'
import { clientFor, SECRETS } from '../http/fixture.ts'

const PAGE: Answer = { json: { data: [], next: null } }

/** The most units in any half-open window. */
function fullestWindow(arrivals: readonly { atMs: number; units: number }[], perMs: number): number {
  const sumFrom = (first: number) =>
    arrivals.filter(({ atMs }) => atMs >= first && atMs < first + perMs).reduce((sum, { units }) => sum + units, 0)
  return Math.max(0, ...arrivals.map(({ atMs }) => sumFrom(atMs)))
}

test('several quotas with paths and weights are kept as the server counts them, and no request is lost', async (t) => {
  const clock = fastClock({ speed: 100 })
  const arrivals: { atMs: number; path: string; cost: number }[] = []
  const server = await startServer(t, ({ path, query }, number) => {
    arrivals.push({ atMs: clock.elapsedMs(), path: path.split('/')[2] ?? '', cost: Number(query.get('cost') ?? 1) })
    return number % 7 === 3 ? { status: 503 } : PAGE
  })
  const quota = [
    { requests: 12, per: '10s' },
    { requests: 3, per: '10s', paths: ['/search'] },
    {
      requests: 20,
      per: '20s',
      weight: ({ params }: { params: Record<string, string> }) => Number(params.cost ?? 1),
      weightMax: 5,
    },
  ]
  const { ask } = clientFor(t, `${server.url}/api`, { clock, source: { quota, waitMax: '1s' } })
  const paths = Array.from({ length: 18 }, (_, number) =>
    number % 3 === 0 ? '/api/search' : `/api/orders?cost=${1 + (number % 5)}`,
  )
  await Promise.all(paths.map((path) => ask({ path })))
  assert.ok(arrivals.length > paths.length, 'some were asked again')
  const units = (of: (arrival: { path: string; cost: number }) => number) =>
    arrivals.map((each) => ({ atMs: each.atMs, units: of(each) }))
  assert.ok(
    fullestWindow(
      units(() => 1),
      10_000,
    ) <= 12,
  )
  assert.ok(
    fullestWindow(
      units(({ path }) => (path === 'search' ? 1 : 0)),
      10_000,
    ) <= 3,
  )
  assert.ok(
    fullestWindow(
      units(({ cost }) => cost),
      20_000,
    ) <= 20,
  )
})

test('a server never sees more requests at once than there are places', async (t) => {
  let underWay = 0
  let most = 0
  const server = await startServer(t, async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setTimeout(resolve, 5))
    underWay -= 1
    return PAGE
  })
  const { ask } = clientFor(t, server.url, { source: { concurrency: 3 } })
  await Promise.all(Array.from({ length: 20 }, () => ask()))
  assert.equal(server.requests.length, 20)
  assert.equal(most, 3)
})

test('a weight function is told the path below baseUrl, and no credential', async (t) => {
  const told: unknown[] = []
  const server = await startServer(t, () => PAGE)
  const weight = (request: unknown) => {
    told.push(request)
    return 1
  }
  const source = { auth: bearer(secret('SHOP_KEY')), quota: { requests: 100, per: '1s', weight, weightMax: 1 } }
  await clientFor(t, `${server.url}/api/v2`, { source }).ask()
  assert.deepEqual(told, [{ stream: 'orders', method: 'GET', path: '/orders', params: {}, body: undefined }])
  assert.ok(!JSON.stringify(told).includes(SECRETS.SHOP_KEY))
})
