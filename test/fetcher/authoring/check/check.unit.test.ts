import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import {
  bearer,
  cursor,
  generator,
  linkHeader,
  none,
  optional,
  secret,
  sessionToken,
  windows,
  z,
} from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { openApi } from '../../../../services/fetcher/authoring/api.ts'
import { checkSource } from '../../../../services/fetcher/authoring/check/check.ts'
import { STEPS } from '../../../../services/fetcher/authoring/check/step.ts'
import { firstRequest } from '../../../../services/fetcher/pages/first-request.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Asked, startServer } from '../../../support/http.ts'
import { declareShop, order, orderSchema, streamOf } from '../../declared.ts'
import { PATIENT } from '../authoring.ts'
import { check, ORDERS, type Part, type Script, text, wellBehaved, withHeaders } from './checked.ts'

describe('a source that would run', () => {
  test('has every step ticked, for three requests', async (t) => {
    const { steps, requests, server, step } = await check(t, {
      script: withHeaders(wellBehaved(), { 'ratelimit-policy': '"default";q=100;w=1' }),
      stream: { watermark: { field: 'updated_at', param: 'since', sorted: true } },
      source: { auth: bearer(secret('SHOP_KEY')), quota: { requests: 50, per: '1s' } },
      environment: { SHOP_KEY: 'k3y-of-shop' },
    })
    assert.deepEqual(
      steps.map((each) => [each.step, each.status]),
      STEPS.map((name) => [name, 'ok']),
    )
    assert.equal(requests.length, 3)
    assert.equal(server.requests.length, 3)
    assert.match(step('first page').says, /^2 records at "\/data"/)
    assert.match(step('second page').says, /^2 records, 2 of them new/)
    assert.match(step('schema').says, /^4 of 4 records fit/)
    assert.match(
      step('watermark').says,
      /updated_at up to 2026-01-01T00:00:04Z; since=2026-01-01T00:00:04.000Z is honoured, and equal records are returned again/,
    )
  })

  test('names another origin that its tokens come from', async (t) => {
    const login = await startServer(t, () => ({ json: { session: 'a-session-token' } }))
    const auth = sessionToken({
      login: { url: `${login.url}/login`, json: { key: secret('SHOP_KEY') } },
      token: '/session',
    })
    const { step } = await check(t, { source: { auth }, environment: { SHOP_KEY: 'k3y-of-shop' } })
    assert.equal(step('credentials').says, `accepted (session-token, tokens from ${login.url})`)
  })

  test('may leave out equal records, if it says so', async (t) => {
    const { step, server } = await check(t, {
      script: wellBehaved({ exclusive: true }),
      stream: { watermark: { field: 'updated_at', param: 'since', exclusive: true } },
    })
    assert.equal(step('watermark').status, 'ok')
    assert.match(step('watermark').says, /excluded, as declared/)
    assert.deepEqual(
      server.requests.map(({ query }) => query.get('since')),
      [null, null, '2026-01-01T00:00:04.000Z', '2026-01-01T00:00:03.999Z'],
    )
  })

  test('has notes on what is right and still worth knowing', async (t) => {
    const odd = [...ORDERS.slice(0, 3), { ...order('4', 4), colour: 'red' }, order('5', 5)]
    const schema = orderSchema.extend({ note: z.string().optional() })
    const { step } = await check(t, {
      script: wellBehaved({ of: odd }),
      stream: { schema, watermark: { field: 'updated_at', param: 'since', exclusive: true } },
    })
    assert.match(step('schema').notes?.join() ?? '', /colour \(string\).*no record has note/)
    assert.match(step('watermark').notes?.join() ?? '', /exclusive: true is not needed/)
    assert.match(step('order').notes?.join() ?? '', /sorted: true/)
  })

  test('may have a few dead letters, and tells the first', async (t) => {
    const of = [...ORDERS.slice(0, 3), { ...order('4', 4), total: 'much' }]
    const { step } = await check(t, { script: wellBehaved({ of }), stream: { rejectedShareMax: 0.3 } })
    assert.equal(step('schema').status, 'ok')
    assert.match(step('schema').says, /3 of 4/)
    assert.match(step('schema').notes?.join() ?? '', /1 would become dead letters, the first: total: /)
  })

  test('whose records are not of the raw type fails the schema, and the advice is about raw', async (t) => {
    const { step } = await check(t, { stream: { raw: z.object({ id: z.number() }) } })
    assert.equal(step('schema').status, 'failed')
    assert.match(step('schema').advice ?? '', /^correct raw; the first failure: raw: id: /)
  })

  test('has nothing to look at where there is nothing, and that is no failure', async (t) => {
    const { steps } = await check(t, { script: text({ data: [], next: null }) })
    const named = Object.fromEntries(steps.map((each) => [each.step, each.status]))
    assert.deepEqual(named, {
      declaration: 'ok',
      secrets: 'skipped',
      address: 'ok',
      credentials: 'skipped',
      'first page': 'ok',
      'second page': 'skipped',
      schema: 'skipped',
      watermark: 'skipped',
      order: 'skipped',
      quota: 'skipped',
    })
  })

  test('has an envelope of its partition, its body and a function of its headers; one that the page lacks fails the schema', async (t) => {
    const schema = orderSchema.extend({ region: z.string(), account: z.string(), shop: z.string() })
    const script: Script = (asked) => {
      const { json } = wellBehaved()(asked)
      return { json: { ...(json as Part), meta: { account: 'a' } }, headers: { 'x-shop': 'north' } }
    }
    const envelope = {
      region: '{region}',
      account: '/meta/account',
      shop: ({ headers }: { headers: Part }) => headers['x-shop'],
    }
    const { steps } = await check(t, { script, stream: { schema, envelope, partitions: [{ region: 'eu' }] } })
    assert.deepEqual(
      steps.filter(({ status }) => status === 'failed'),
      [],
    )
    const { step } = await check(t, { stream: { schema, envelope, partitions: [{ region: 'eu' }] } })
    assert.equal(step('schema').status, 'failed')
    assert.match(
      step('schema').says,
      /envelope\.account is declared at "\/meta\/account", but there is nothing; it has data, next/,
    )
    assert.match(step('schema').advice ?? '', /account: optional\(/)
  })

  test("may be an author's own walk, also one that asks for each record by itself", async (t) => {
    const script: Script = ({ path, query }) => {
      if (path !== '/orders') return { json: { order: ORDERS[Number(path.split('/').at(-1)) - 1] } }
      const from = Number(query.get('from') ?? 0)
      return { json: { ids: ORDERS.slice(from, from + 3).map(({ id }) => id) } }
    }
    const paginate = generator(async function* ({ request }) {
      for (let from = 0; from < ORDERS.length; from += 3) {
        const { ids } = (await request<{ ids: string[] }>({ params: { from } })).body
        const found: { order: unknown }[] = []
        for (const id of ids)
          for (let asked = 0; asked < 4; asked++)
            found.push((await request<{ order: unknown }>({ path: `/orders/${id}` })).body)
        yield { records: found.filter((_, index) => index % 4 === 0).map(({ order }) => order) }
      }
    })
    const { steps, step } = await check(t, { script, stream: { paginate } })
    assert.deepEqual(
      steps.filter(({ status }) => status === 'failed'),
      [],
    )
    assert.match(step('first page').says, /^3 records from the function of generator$/)
    assert.match(step('second page').says, /^2 records, 2 of them new/)
    assert.match(step('schema').says, /^5 of 5 records fit$/)
    const single = generator(async function* ({ request }) {
      yield { records: (await request<{ data: unknown[] }>()).body.data }
    })
    assert.equal(
      (await check(t, { stream: { paginate: single } })).step('second page').says,
      'the first page is the last',
    )
    const broken = generator(async function* ({ request }) {
      yield { records: (await request<{ items: unknown[] }>()).body.items }
    })
    const { step: of } = await check(t, { stream: { paginate: broken } })
    assert.match(of('first page').says, /yields a page without an array of records/)
  })

  test('whose second page does not fit the schema has new records all the same', async (t) => {
    const script: Script = ({ query }) =>
      query.has('cursor') ? { json: { data: [{ id: 7 }, { id: 8 }], next: null } } : wellBehaved()({ query } as Asked)
    const { step } = await check(t, { script, stream: { watermark: undefined } })
    assert.equal(step('second page').status, 'ok')
    assert.match(step('second page').says, /^2 records, 2 of them new, 2 do not fit the schema/)
    const again: Script = ({ query }) => ({
      json: { data: [{ id: 7 }, { id: 8 }], next: query.has('cursor') ? null : 'a', n: query.get('cursor') },
    })
    const filtered = { watermark: undefined, filter: () => false }
    const { step: of } = await check(t, { script: again, stream: filtered })
    assert.equal(of('first page').status, 'ok')
  })

  test('that is a full one without a sign of another is warned of, and so is what would hold the watermark', async (t) => {
    const script: Script = () => ({ json: { data: ORDERS } })
    for (const paginate of [linkHeader(), none(), cursor({ next: optional('/next'), param: 'cursor' })]) {
      const { step } = await check(t, { script, stream: { paginate, params: { _limit: 5 } } })
      assert.match(
        step('second page').warnings?.[0] ?? '',
        /exactly the requested 5 records; the answer does not say that it is the last/,
      )
      const { step: other } = await check(t, { script, stream: { paginate, params: { _limit: 6 } } })
      assert.equal(other('second page').warnings, undefined)
    }
    const { step: held } = await check(t, { script })
    assert.match(
      held('second page').warnings?.[0] ?? '',
      /a run would hold the watermark: the answer has no next cursor/,
    )
  })

  test('may end with has_more false while a cursor is still named', async (t) => {
    const script = text({ data: ORDERS, next: 'x', has_more: false })
    const { step } = await check(t, {
      script,
      stream: { paginate: cursor({ next: '/next', param: 'cursor', hasMore: '/has_more' }), watermark: undefined },
    })
    assert.equal(step('second page').status, 'skipped')
  })

  test('whose records are all of one instant is not said to be wrong', async (t) => {
    const { step } = await check(t, { script: wellBehaved({ of: [order('1', 1), order('2', 1)] }) })
    assert.equal(step('watermark').status, 'ok')
    assert.match(step('watermark').notes?.join() ?? '', /it is unknown whether/)
  })

  test('that is walked in windows is not asked without a window', async (t) => {
    const { step, server } = await check(t, {
      stream: {
        paginate: windows({ to: 'until', size: '1d', pages: cursor({ next: '/next', param: 'cursor' }) }),
        watermark: { field: 'updated_at', param: 'since', start: '2026-01-01T00:00:00Z' },
      },
    })
    assert.equal(step('watermark').status, 'ok')
    assert.match(step('watermark').notes?.join() ?? '', /paginate makes the request/)
    assert.ok(server.requests.every(({ query }) => query.has('until')))
  })

  test('whose form is coarser than its field is not said to leave out what it cannot say', async (t) => {
    const of = [order('1', 1), { ...order('2', 2), updated_at: '2026-01-01T00:00:02.5Z' }]
    const { step } = await check(t, {
      script: wellBehaved({ of }),
      stream: { watermark: { field: 'updated_at', param: 'since', as: 'isoSeconds' } },
    })
    assert.equal(step('watermark').status, 'ok')
    assert.match(step('watermark').says, /since=2026-01-01T00:00:02Z is honoured/)
    assert.match(step('watermark').notes?.join() ?? '', /it is unknown whether equal records are returned again/)
  })
})

test('an API out of reach is not asked for each stream', async (t) => {
  const stream = { path: '/orders', records: '/data', paginate: none(), schema: orderSchema, primaryKey: ['id'] }
  const { steps } = await check(t, {
    source: { baseUrl: 'http://127.0.0.1:1', streams: { orders: stream, items: stream } },
  })
  assert.deepEqual(
    steps.filter(({ stream: label }) => label === 'shop.orders').map((each) => each.step),
    STEPS.slice(2, 9),
  )
})

test('an API that keeps failing is asked a bounded number of times', async (t) => {
  let failing = 0
  const script: Script = (asked) => {
    failing += 1
    return failing % 3 === 0 ? wellBehaved()(asked) : { status: 503, json: {} }
  }
  const { server, step } = await check(t, { script })
  assert.equal(step('watermark').status, 'ok')
  assert.ok(server.requests.length <= 12, `${server.requests.length} requests`)
})

test('beyond the bound of requests nothing is asked', async (t) => {
  const server = await startServer(t, () => ({ json: {} }))
  const source = declareShop({}, { baseUrl: server.url, ...PATIENT })
  const api = openApi(source, { clock: fastClock(), log: silentLog, resolver: resolverFor({}), requestsMax: 2 })
  t.after(() => api.close())
  const ask = () =>
    api.send(firstRequest(streamOf(source), api.baseUrl, 0, null), {
      signal: new AbortController().signal,
      stream: 'shop.orders',
    })
  await ask()
  await ask()
  await assert.rejects(ask(), { code: 'HR_REQUESTS_MAX' })
  assert.equal(server.requests.length, 2)
})

test('a check that is interrupted ends at once, with the reason', async (t) => {
  const stop = new AbortController()
  const server = await startServer(t, () => {
    stop.abort(new Error('interrupted'))
    return { take: () => undefined }
  })
  const shop = declareShop({}, { baseUrl: server.url, ...PATIENT })
  const options = {
    source: shop,
    streams: shop.streams,
    clock: fastClock(),
    log: silentLog,
    resolver: resolverFor({}),
    signal: stop.signal,
  }
  await assert.rejects(checkSource(options), /interrupted/)
})
