import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { askToken, basicOf, CLIENT, get, getPage, tokenOf, walk, withApi } from './client.ts'

const ORIGINAL = JSON.parse(
  readFileSync(new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets')), 'utf8'),
) as {
  features: { id: string; properties: { updated: number } }[]
}
const GRANT = { grant_type: 'client_credentials' }
const HEADER = { authorization: basicOf(CLIENT.clientId, CLIENT.clientSecret) }

type OAuthError = { error: string; error_description: string }

describe('the sample API, tokens', () => {
  const refusals: [string, Record<string, string>, Record<string, string>, number, string][] = [
    [
      'a wrong secret in the header',
      GRANT,
      { authorization: basicOf(CLIENT.clientId, 'wrong') },
      401,
      'invalid_client',
    ],
    ['a header that is no Basic', GRANT, { authorization: 'Bearer x' }, 401, 'invalid_client'],
    ['no client at all', GRANT, {}, 401, 'invalid_client'],
    [
      'a wrong secret in the body',
      { ...GRANT, client_id: CLIENT.clientId, client_secret: 'wrong' },
      {},
      401,
      'invalid_client',
    ],
    [
      'credentials in two places',
      { ...GRANT, client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret },
      HEADER,
      400,
      'invalid_request',
    ],
    ['no grant type', {}, HEADER, 400, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, HEADER, 400, 'unsupported_grant_type'],
    ['another scope', { ...GRANT, scope: 'admin' }, HEADER, 400, 'invalid_scope'],
  ]
  for (const [name, form, headers, status, error] of refusals) {
    test(`${name} is refused as ${error}, without a word about the secret`, () =>
      withApi({}, async (api) => {
        const answer = await askToken(api, form, headers)
        const body = (await answer.json()) as OAuthError
        assert.equal(answer.status, status)
        assert.equal(body.error, error)
        assert.equal(answer.headers.get('cache-control'), 'no-store')
        assert.equal(answer.headers.has('www-authenticate'), status === 401)
        assert.ok(!JSON.stringify(body).includes(CLIENT.clientSecret))
        assert.equal(api.stats().tokens, 0)
      }))
  }

  test('a JSON body is refused as invalid_request', () =>
    withApi({}, async (api) => {
      const answer = await fetch(`${api.url}/oauth/token`, {
        method: 'POST',
        body: JSON.stringify(GRANT),
        headers: { ...HEADER, 'content-type': 'application/json' },
      })
      assert.equal(answer.status, 400)
      assert.equal(((await answer.json()) as OAuthError).error, 'invalid_request')
    }))

  test('credentials are taken from the header and from the body', () =>
    withApi({}, async (api) => {
      const body = { ...GRANT, client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret }
      for (const answer of [await askToken(api, GRANT, HEADER), await askToken(api, body)]) {
        const token = (await answer.json()) as Record<string, unknown>
        assert.equal(answer.status, 200)
        assert.equal(token.token_type, 'Bearer')
        assert.equal(token.expires_in, 90)
        assert.equal((await get(api, String(token.access_token))).status, 200)
      }
      assert.equal(api.stats().tokens, 2)
    }))

  test('no token, an unknown one and an expired one are 401 and say which', async () => {
    let nowMs = 0
    const clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, sleep: async () => {}, random: () => 0 }
    await withApi({ clock, tokenLifeMs: 90_000 }, async (api) => {
      const token = await tokenOf(api)
      const none = await fetch(`${api.url}/v1/earthquakes`)
      assert.equal(none.status, 401)
      assert.equal(none.headers.get('www-authenticate'), 'Bearer realm="sample-api"')
      assert.match((await get(api, 'unknown')).headers.get('www-authenticate') ?? '', /invalid_token.*unknown/)
      nowMs = 89_999
      assert.equal((await get(api, token)).status, 200)
      nowMs = 90_000
      const expired = await get(api, token)
      assert.equal(expired.status, 401)
      assert.match(expired.headers.get('www-authenticate') ?? '', /error="invalid_token".*expired/)
      assert.equal(api.stats().unauthorized, 3)
    })
  })

  test('a token that was taken back is 401 before its time', () =>
    withApi({}, async (api) => {
      const token = await tokenOf(api)
      api.revokeTokens()
      assert.equal((await get(api, token)).status, 401)
      assert.equal((await get(api, await tokenOf(api))).status, 200)
    }))
})

describe('the sample API, pages', () => {
  const mistakes: [string, string][] = [
    ['region=north', 'region'],
    ['region=west&region=east', 'region'],
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=', 'limit'],
    ['updated_since=yesterday', 'updated_since'],
    ['since=1', 'since'],
    ['cursor=', 'cursor'],
    ['cursor=eyJ1cGRhdGVkIjoxfQ', 'cursor'],
  ]
  for (const [query, name] of mistakes) {
    test(`?${query} is a problem document that names ${name}`, () =>
      withApi({}, async (api) => {
        const answer = await fetch(`${api.url}/v1/earthquakes?${query}`, {
          headers: { authorization: `Bearer ${await tokenOf(api)}` },
        })
        const body = (await answer.json()) as { status: number; detail: string }
        assert.equal(answer.status, 400)
        assert.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json')
        assert.equal(body.status, 400)
        assert.ok(body.detail.includes(name), body.detail)
      }))
  }

  test('a cursor that was changed, or that belongs to other filters, is refused', () =>
    withApi({}, async (api) => {
      const token = await tokenOf(api)
      const cursor = String((await getPage(api, token, { region: 'west', limit: 10 })).metadata.next_cursor)
      const changed = `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`
      assert.equal((await get(api, token, { cursor: changed })).status, 400)
      assert.equal((await get(api, token, { cursor, region: 'east' })).status, 400)
      assert.equal((await get(api, token, { cursor, region: 'west', updated_since: 5 })).status, 400)
      assert.deepEqual(
        (await getPage(api, token, { cursor })).features,
        (await getPage(api, token, { cursor, region: 'west', limit: 100 })).features,
      )
    }))

  test('a cursor outlives a restart, and means nothing to a server with another secret', async () => {
    let cursor = ''
    await withApi({}, async (api) => {
      cursor = String((await getPage(api, await tokenOf(api), { limit: 10 })).metadata.next_cursor)
    })
    await withApi({}, async (api) => assert.equal((await get(api, await tokenOf(api), { cursor })).status, 200))
    await withApi({ clientSecret: 'another' }, async (api) => {
      const answer = await askToken(api, GRANT, { authorization: basicOf(CLIENT.clientId, 'another') })
      const { access_token: token } = (await answer.json()) as { access_token: string }
      assert.equal((await get(api, token, { cursor })).status, 400)
    })
  })

  test('the two regions together are the week, in order, all but seven records as they were', () =>
    withApi({}, async (api) => {
      const token = await tokenOf(api)
      const west = (await walk(api, token, { region: 'west', limit: 50 })).flatMap((page) => page.features)
      const east = (await walk(api, token, { region: 'east', limit: 500 })).flatMap((page) => page.features)
      const counts = api.counts()
      assert.deepEqual([west.length, east.length], [counts.regions.west.released, counts.regions.east.released])
      assert.equal(west.length + east.length, ORIGINAL.features.length)

      const originals = new Set(ORIGINAL.features.map((feature) => JSON.stringify(feature)))
      const changed = [...west, ...east].filter((feature) => !originals.has(JSON.stringify(feature)))
      assert.equal(changed.length, 7)
      assert.equal(counts.damaged, 7)

      const all = (await walk(api, token, {})).flatMap((page) => page.features)
      const order = ORIGINAL.features
        .toSorted((a, b) => a.properties.updated - b.properties.updated)
        .map(({ id }) => id)
      assert.deepEqual(
        all.map(({ id }) => id).filter((id) => id !== ''),
        order.filter((id) => all.some((feature) => feature.id === id)),
      )
    }))

  test('a last page that is full is the last one', () =>
    withApi({}, async (api) => {
      const { updated } = ORIGINAL.features
        .map((feature) => feature.properties)
        .sort((a, b) => b.updated - a.updated)[9]!
      const { metadata } = await getPage(api, await tokenOf(api), { updated_since: updated, limit: 10 })
      assert.deepEqual([metadata.count, metadata.next_cursor], [10, null])
    }))

  test('updated_since is inclusive', () =>
    withApi({}, async (api) => {
      const token = await tokenOf(api)
      const last = Math.max(...ORIGINAL.features.map((feature) => feature.properties.updated))
      assert.equal((await getPage(api, token, { updated_since: last })).features.length, 1)
      const none = await getPage(api, token, { updated_since: last + 1 })
      assert.deepEqual([none.metadata.count, none.metadata.next_cursor], [0, null])
    }))

  test('a walk that began before the rest was released goes on into the rest, without a record lost or twice', () =>
    withApi({ released: 'first' }, async (api) => {
      const token = await tokenOf(api)
      const before = api.counts()
      assert.ok(before.released > 0.65 * before.total && before.released < 0.75 * before.total)
      const first = await getPage(api, token, { limit: 500 })
      api.releaseRest()
      const rest = await walk(api, token, { limit: 500, cursor: String(first.metadata.next_cursor) })
      const ids = [first, ...rest].flatMap((page) => page.features).map((feature) => feature.id)
      assert.equal(ids.length, api.counts().total)
      assert.equal(new Set(ids).size, ids.length)
      assert.equal(api.counts().damaged, 7)
    }))

  test('no damaged record lies near the end of what is released, so a later run does not meet it alone', () =>
    withApi({ released: 'first' }, async (api) => {
      const token = await tokenOf(api)
      const originals = new Set(ORIGINAL.features.map((feature) => JSON.stringify(feature)))
      const check = async () => {
        for (const region of ['west', 'east']) {
          const features = (await walk(api, token, { region, limit: 500 })).flatMap((page) => page.features)
          const end = features.slice(-30).filter((feature) => !originals.has(JSON.stringify(feature)))
          assert.deepEqual(end, [])
        }
      }
      await check()
      api.releaseRest()
      await check()
    }))

  test('every answered page is in the statistics', () =>
    withApi({}, async (api) => {
      const token = await tokenOf(api)
      const { metadata } = await getPage(api, token, { region: 'east', updated_since: 0, limit: 20 })
      await getPage(api, token, { cursor: String(metadata.next_cursor), limit: 20 })
      await get(api, token, { limit: 0 })
      assert.deepEqual(api.stats().pages, [
        { region: 'east', since: 0, cursor: null, records: 20 },
        { region: 'east', since: 0, cursor: metadata.next_cursor, records: 20 },
      ])
      assert.equal(api.stats().requests, 3)
    }))
})

describe('the sample API, around the pages', () => {
  test('the knobs are not there unless they are asked for', () =>
    withApi({}, async (api) => {
      assert.equal((await fetch(`${api.url}/admin/stats`)).status, 404)
      assert.equal((await fetch(`${api.url}/healthz`)).status, 200)
    }))

  test('the knobs release the rest, take tokens back and show the numbers', () =>
    withApi({ admin: true, released: 'first' }, async (api) => {
      const token = await tokenOf(api)
      assert.equal((await fetch(`${api.url}/admin/release`, { method: 'POST' })).status, 200)
      assert.equal(api.counts().released, ORIGINAL.features.length)
      assert.deepEqual(await (await fetch(`${api.url}/admin/counts`)).json(), api.counts())
      assert.equal((await fetch(`${api.url}/admin/revoke`, { method: 'POST' })).status, 204)
      assert.equal((await get(api, token)).status, 401)
      assert.deepEqual(await (await fetch(`${api.url}/admin/stats`)).json(), api.stats())
    }))

  test('a port that is taken is an error that names it', () =>
    withApi({}, async (api) => {
      await assert.rejects(
        withApi({ port: api.port }, async () => {}),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'HR_SAMPLE_API_PORT')
          assert.ok(error.message.includes(String(api.port)))
          return true
        },
      )
    }))
})
