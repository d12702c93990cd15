/**
 * A service in front of an API that does not accept its credentials: how often it asks, and that nobody else's stream
 * waits for it.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileSource } from '#shared/declaration/compile.ts'
import { bearer, none, oauth2RefreshToken, secret, z } from '#shared/index.ts'
import { startServer } from '../../support/http.ts'
import { until } from '../../support/loading.ts'
import { ownPlace } from '../fetching.ts'

const TEST_MS_MAX = 60_000
/** Of runs that are due every 200 ms. */
const WATCHED_MS = 4_000

const stream = (path: string) => ({
  ...{
    path,
    paginate: none(),
    records: '/data',
    schema: z.object({ id: z.string() }),
    primaryKey: ['id'],
    every: '200ms',
  },
})
const declare = (baseUrl: string, auth: object, ...paths: string[]) =>
  compileSource(
    { name: 'shop', baseUrl, auth, streams: Object.fromEntries(paths.map((path) => [path, stream(`/${path}`)])) },
    'shop.ts',
  )

describe('a service whose credentials are refused', { concurrency: 2 }, () => {
  test('with 401 on one path waits longer and longer there, and fetches the other stream on time', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const place = await ownPlace(t)
    let refuses = true
    const api = await startServer(t, ({ path }) =>
      path === '/bad' && refuses ? { status: 401 } : { json: { data: [{ id: 'a' }] } },
    )
    const fetcher = place.startFetcher(declare(api.url, bearer(secret('API_SECRET')), 'good', 'bad'))
    const askedFor = (path: string) => api.requests.filter((asked) => asked.path === path).length
    await until('both are asked', () => askedFor('/bad') > 0 && askedFor('/good') > 0)
    const before = askedFor('/good')
    await sleep(WATCHED_MS)
    assert.equal(askedFor('/bad'), 1)
    assert.ok(askedFor('/good') - before > 5, `${askedFor('/good') - before} runs of the other stream`)
    refuses = false
    await until('it is asked again', () => askedFor('/bad') > 2)
    const { partitions } = await fetcher.stop()
    assert.deepEqual(
      Object.values(partitions).map(({ outcome }) => outcome),
      ['done', 'done'],
    )
  })

  test('by the token endpoint for good asks it once for all streams, and fails every run meanwhile', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const place = await ownPlace(t)
    const api = await startServer(t, ({ path }) =>
      path === '/token' ? { status: 400, json: { error: 'invalid_grant' } } : { json: { data: [] } },
    )
    const auth = oauth2RefreshToken({ tokenUrl: '/token', clientId: 'me', refreshToken: secret('API_SECRET') })
    const fetcher = place.startFetcher(declare(api.url, auth, 'orders', 'items', 'people'))
    await until('it is asked', () => api.requests.length > 0)
    await sleep(WATCHED_MS)
    const { partitions } = await fetcher.stop()
    assert.deepEqual(
      api.requests.map(({ path }) => path),
      ['/token'],
    )
    assert.deepEqual(
      Object.values(partitions).map(({ outcome, error }) => [
        outcome,
        /must authorise the application again/.test(error ?? ''),
      ]),
      Array(3).fill(['failed', true]),
    )
    const lines = fetcher.log.filter((line) => line.includes('run failed'))
    assert.equal(lines.length, 3, 'one line a stream, not one a run')
  })
})
