/** What a request costs in each quota, and which partitions share what: by numbers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pathMatcher, type QuotaSpec, type RequestFacts } from '#shared/declaration/quota.ts'
import { Stopped } from '#shared/errors.ts'
import type { PageRequest } from '../../../../services/fetcher/http/messages.ts'
import {
  costOf,
  divisibleOf,
  factsOf,
  quotasOf,
  sharedLanesOf,
} from '../../../../services/fetcher/http/rate-limit/request-cost.ts'

const asks = (path: string, facts: Partial<RequestFacts> = {}): RequestFacts => ({
  ...{ stream: path.slice(1), method: 'GET', path, params: {}, body: undefined },
  ...facts,
})
const quotaOf = (spec: Partial<QuotaSpec>) => {
  const [quota] = quotasOf({ name: 'shop', quota: [{ requests: 100, per: 1_000, ...spec }] })
  assert.ok(quota !== undefined)
  return quota
}

describe('a quota', () => {
  for (const [name, spec, expected, units] of [
    ['counts requests as one each', { requests: 7 }, { requests: 7, heaviest: 1 }, 1],
    ['of one request is one', { requests: 1 }, { requests: 1, heaviest: 1 }, 1],
    ['in which all weigh the same counts requests', { requests: 100, weight: 8 }, { requests: 12, heaviest: 1 }, 1],
    ['that holds one of those is one request', { requests: 8, weight: 8 }, { requests: 1, heaviest: 1 }, 1],
    [
      'counts what a stream weighs',
      { requests: 40, weight: { orders: 3, search: 9 } },
      { requests: 40, heaviest: 9 },
      3,
    ],
    [
      'holds two of its heaviest less one unit',
      { requests: 17, weight: { orders: 3, search: 9 } },
      { requests: 17, heaviest: 9 },
      3,
    ],
    [
      'gives one request at a time if it holds less',
      { requests: 16, weight: { orders: 3, search: 9 } },
      { requests: 1, heaviest: 1 },
      1,
    ],
    [
      'does not count a stream that weighs nothing',
      { requests: 16, weight: { orders: 0, search: 9 } },
      { requests: 1, heaviest: 1 },
      0,
    ],
    ['counts a stream that is not named as one', { weight: { search: 9 } }, { requests: 100, heaviest: 9 }, 1],
    ['counts what a function says', { weight: () => 4, weightMax: 5 }, { requests: 100, heaviest: 5 }, 4],
    ['counts the most that a function may say', { weight: () => 5, weightMax: 5 }, { requests: 100, heaviest: 5 }, 5],
    ['counts nothing where a function says so', { weight: () => 0, weightMax: 5 }, { requests: 100, heaviest: 5 }, 0],
    [
      'counts what a function says of one at a time',
      { requests: 6, weight: () => 5, weightMax: 5 },
      { requests: 1, heaviest: 1 },
      1,
    ],
  ] as const satisfies [string, Partial<QuotaSpec>, { requests: number; heaviest: number }, number][]) {
    test(name, () => {
      const { requests, heaviest, per, byPath, unitsOf } = quotaOf(spec)
      assert.deepEqual({ requests, heaviest, per, byPath }, { ...expected, per: 1_000, byPath: false })
      assert.equal(unitsOf(asks('/orders')), units)
    })
  }

  test('counts the requests of its paths only', () => {
    const quota = quotaOf({ paths: ['/search'], weight: { search: 2, orders: 3 } })
    assert.equal(quota.byPath, true)
    assert.deepEqual([quota.unitsOf(asks('/search')), quota.unitsOf(asks('/orders'))], [2, 0])
  })

  test('takes no word of JavaScript for the weight of a stream', () => {
    assert.equal(quotaOf({ weight: { search: 9 } }).unitsOf(asks('/constructor')), 1)
  })
})

for (const [name, weight, says] of [
  ['a number beyond weightMax', () => 11, /quota 1 returns 11 for GET \/orders/],
  ['a number below 0', () => -1, /returns -1/],
  ['a fraction', () => 1.5, /returns 1.5/],
  ['no number', () => Number.NaN, /returns NaN/],
  ['a text', () => '1' as unknown as number, /returns a string/],
  [
    'an error',
    () => {
      throw new Error('no such field')
    },
    /throws no such field/,
  ],
] as const) {
  test(`a weight function that gives ${name} stops the request: nothing goes uncounted`, () => {
    const quotas = quotasOf({ name: 'shop', quota: [{ requests: 100, per: 1_000, weight, weightMax: 10 }] })
    assert.throws(
      () => costOf(quotas, asks('/orders')),
      (error) => error instanceof Stopped && error.code === 'HR_QUOTA_WEIGHT' && says.test(error.message),
    )
  })
}

describe('the cost of a request', () => {
  const everything = { requests: 100, per: 1_000 }
  const search = { requests: 10, per: 1_000, paths: ['/search'], weight: { search: 2 } }
  const reads = { requests: 10, per: 1_000, paths: ['/search', '/orders'] }
  const costIn = (quota: QuotaSpec[], path: string) => costOf(quotasOf({ name: 'shop', quota }), asks(path))

  for (const [name, quota, path, charges, apart] of [
    ['is nothing without a quota', [], '/search', [], false],
    [
      'names each quota that counts it',
      [everything, search],
      '/search',
      [
        [0, 1],
        [1, 2],
      ],
      false,
    ],
    ['leaves the others out, and keeps their numbers', [search, everything], '/orders', [[1, 1]], false],
    [
      'is apart if only quotas of paths count it',
      [search, reads],
      '/search',
      [
        [0, 2],
        [1, 1],
      ],
      true,
    ],
    ['is apart also if other quotas do not count it', [search, reads], '/orders', [[1, 1]], true],
    ['is not apart if nothing counts it', [search], '/customers', [], false],
  ] as const satisfies [string, QuotaSpec[], string, [number, number][], boolean][]) {
    test(name, () =>
      assert.deepEqual(costIn(quota, path), {
        charges: (charges as [number, number][]).map(([room, units]) => ({ room, units })),
        apart,
      }),
    )
  }
})

describe('partitions', () => {
  const one = (requests: number, spec: Partial<QuotaSpec> = {}): QuotaSpec => ({ requests, per: 1_000, ...spec })
  for (const [name, quota, concurrency, partitions, expected] of [
    ['share nothing without a quota', [], undefined, 5, null],
    ['share nothing where there is a unit for each', [one(5)], 5, 5, null],
    ['share the units of the scarcest quota', [one(9), one(3), one(4)], undefined, 5, 3],
    ['share the places of requests under way', [one(9)], 2, 5, 2],
    [
      'share a quota that holds less than two of its heaviest requests',
      [one(8, { weight: { search: 5 } })],
      undefined,
      5,
      1,
    ],
    ['share what is left when each request weighs the same', [one(9, { weight: 4 })], undefined, 5, 2],
  ] as const satisfies [string, QuotaSpec[], number | undefined, number, number | null][]) {
    test(name, () =>
      assert.equal(sharedLanesOf({ name: 'shop', quota: [...quota], concurrency }, partitions), expected),
    )
  }

  test('divide the quotas and the places, where these are bounded', () => {
    const quotas = [{ requests: 9, heaviest: 2 }]
    assert.deepEqual(divisibleOf(quotas, undefined), [{ units: 9, heaviest: 2 }])
    assert.deepEqual(divisibleOf(quotas, 3), [{ units: 9, heaviest: 2 }, { units: 3 }])
  })
})

describe('what a weight can depend on', () => {
  const requestOf = (url: string): PageRequest => ({
    url: new URL(url),
    method: 'POST',
    headers: {},
    body: { all: true },
  })
  for (const [name, url, base, path] of [
    ['without a base', 'https://api.shop/orders', '/', '/orders'],
    ['below its base', 'https://api.shop/v2/orders', '/v2', '/orders'],
    ['below its base that ends with slashes', 'https://api.shop/v2/orders/7', '/v2//', '/orders/7'],
    ['beside its base', 'https://api.shop/v22/orders', '/v2', '/v22/orders'],
    ['that is its base', 'https://api.shop/v2', '/v2', '/v2'],
  ] as const) {
    test(`is the path ${name}`, () => assert.equal(factsOf(requestOf(url), 'shop.orders', base).path, path))
  }

  test('is the stream by its name in the declaration, the method, the params and the body', () => {
    assert.deepEqual(factsOf(requestOf('https://api.shop/orders?since=5&page=2'), 'shop.late.orders', '/'), {
      ...{ stream: 'late.orders', method: 'POST', path: '/orders' },
      params: { since: '5', page: '2' },
      body: { all: true },
    })
  })
})

test('a path of a quota is that path and all below it, with parts left open and paths taken out', () => {
  for (const [patterns, path, counts] of [
    [undefined, '/anything', true],
    [['/v1/search'], '/v1/search', true],
    [['/v1/search'], '/v1/search/users', true],
    [['/v1/search/'], '/v1/search', true],
    [['/v1/search'], '/v1/searches', false],
    [['/v1/search'], '/v2/v1/search', false],
    [['/v1/accounts/*'], '/v1/accounts', false],
    [['/v1/accounts/*'], '/v1/accounts/7/orders', true],
    [['/accounts/{id}/orders'], '/accounts/7/orders', true],
    [['/accounts/{id}/orders'], '/accounts/7/8/orders', false],
    [['/reports/*.json'], '/reports/a.json', true],
    [['/reports/*.json'], '/reports/axjson', false],
    [['/a+b(c)'], '/a+b(c)', true],
    [['!/search'], '/orders', true],
    [['!/search'], '/search/x', false],
    [['/v1', '!/v1/search'], '/v1/search', false],
    [['/v1', '!/v1/search'], '/v2', false],
  ] as const) {
    assert.equal(pathMatcher(patterns)(path), counts, `${patterns} ${path}`)
  }
})
