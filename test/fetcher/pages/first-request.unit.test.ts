import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RequestContext } from '#shared/declaration/source-spec.ts'
import { DeclarationError } from '#shared/errors.ts'
import { epochMs, z } from '#shared/index.ts'
import { firstRequest } from '../../../services/fetcher/pages/first-request.ts'
import { declareSource, streamOf } from '../http/fixture.ts'

const BASE = 'https://api.shop.example'
const at = (
  stream: Record<string, unknown>,
  options: { base?: string; partition?: number; since?: string | null; headers?: unknown } = {},
) =>
  firstRequest(
    streamOf(declareSource(BASE, options.headers === undefined ? {} : { headers: options.headers }, stream)),
    options.base ?? BASE,
    options.partition ?? 0,
    options.since ?? null,
  )
const urlAt = (...args: Parameters<typeof at>): string => at(...args).url.href

describe('the first request', () => {
  test('puts the partition into the path, encoded, and its other values into the query', () => {
    const stream = { path: '/v1/{region}/orders', partitions: [{ region: 'eu' }, { region: 'a/b ü?#', kind: 'x y' }] }
    assert.equal(urlAt(stream), `${BASE}/v1/eu/orders`)
    assert.equal(urlAt(stream, { partition: 1 }), `${BASE}/v1/a%2Fb%20%C3%BC%3F%23/orders?kind=x%20y`)
  })

  test('refuses a placeholder that no partition fills, and names it', () => {
    assert.throws(
      () => urlAt({ path: '/v1/{region}/orders' }),
      (error) => error instanceof DeclarationError && /stream orders, field path: \{region\}/.test(error.message),
    )
  })

  for (const value of ['..', '.', '']) {
    test(`refuses "${value}" in the path, which would lead to another place`, () => {
      assert.throws(() => urlAt({ path: '/v1/{region}/orders', partitions: [{ region: value }] }), DeclarationError)
    })
  }

  test('never leaves the origin, whatever the path is', () => {
    for (const path of ['//evil.example/x', '/\\evil.example', '/@evil.example', '/x:80']) {
      assert.equal(at({ path }).url.origin, BASE)
    }
  })

  test('stays below the path of baseUrl', () => {
    assert.equal(urlAt({}, { base: `${BASE}/api/v2` }), `${BASE}/api/v2/orders`)
    assert.equal(urlAt({}, { base: `${BASE}/api/v2/` }), `${BASE}/api/v2/orders`)
  })

  test('keeps a query that is written in the path, and a ? inside it', () => {
    assert.equal(
      urlAt({ path: '/orders?expand=a,b&q=x?y', params: { limit: 5 } }),
      `${BASE}/orders?expand=a,b&q=x?y&limit=5`,
    )
  })

  test('asks a function of params with the partition, and takes its values before those of the partition', () => {
    const params = ({ partition, partitions, values }: RequestContext) => ({
      shard: `${partition}/${partitions}`,
      region: `x-${values.region}`,
    })
    assert.equal(
      urlAt({ params, partitions: [{ region: 'eu' }, { region: 'us' }] }, { partition: 1 }),
      `${BASE}/orders?shard=1%2F2&region=x-us`,
    )
  })

  test('says which partition a function of params fails for', () => {
    const params = () => {
      throw new Error('no such shard')
    }
    assert.throws(() => urlAt({ params }), /field params: the function throws for partition 0: Error: no such shard/)
  })

  test('has the headers of source and stream, the stream before the source, in lower case', () => {
    const { headers } = at({ headers: { 'X-Version': '2' } }, { headers: { 'x-version': '1', 'X-Team': 'a' } })
    assert.deepEqual(headers, { 'x-version': '2', 'x-team': 'a' })
  })

  test('copies the body, so that nothing that happens to it reaches the declaration', () => {
    const body = { query: { q: 'x' } }
    const request = at({ method: 'POST', body })
    assert.deepEqual(request.body, body)
    assert.notEqual((request.body as typeof body).query, body.query)
  })

  const instants = { schema: z.object({ id: z.string(), at: z.iso.datetime() }) }
  const numbers = { schema: z.object({ id: z.string(), at: epochMs() }) }

  test('asks from the watermark, in place of what params say', () => {
    const stream = { ...instants, params: () => ({ since: 'ever' }), watermark: { field: 'at', param: 'since' } }
    assert.equal(urlAt(stream, { since: '2026-01-01T00:00:00Z' }), `${BASE}/orders?since=2026-01-01T00%3A00%3A00Z`)
    assert.equal(urlAt(stream), `${BASE}/orders?since=ever`)
  })

  test('puts the watermark into the body: instants as text, epochs as numbers', () => {
    const post = { method: 'POST', body: { filter: { a: 1 } } }
    const watermark = { field: 'at', body: '/filter/since' }
    assert.deepEqual(at({ ...instants, ...post, watermark }, { since: '2026-01-01T00:00:00Z' }).body, {
      filter: { a: 1, since: '2026-01-01T00:00:00Z' },
    })
    assert.deepEqual(at({ ...numbers, ...post, watermark }, { since: '1767225600000' }).body, {
      filter: { a: 1, since: 1767225600000 },
    })
  })
})
