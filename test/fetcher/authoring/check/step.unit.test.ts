import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearer, cursor, linkHeader, none, oauth2ClientCredentials, secret, z } from '#shared/index.ts'
import type { StepName } from '../../../../services/fetcher/authoring/check/step.ts'
import { orderSchema } from '../../declared.ts'
import { check, type Given, ORDERS, stepOf, text, unauthorized, wellBehaved, withHeaders } from './checked.ts'

describe('a step fails, and says what to change:', () => {
  const failures: [string, StepName, Given, RegExp, RegExp][] = [
    [
      'a secret is missing',
      'secrets',
      { source: { auth: bearer(secret('SHOP_KEY')) } },
      /SHOP_KEY is not set/,
      /set SHOP_KEY, or SHOP_KEY_FILE/,
    ],
    [
      'nothing listens at the address',
      'address',
      { source: { baseUrl: 'http://127.0.0.1:1' } },
      /ECONNREFUSED/,
      /check baseUrl/,
    ],
    [
      'an API that wants credentials gets none',
      'credentials',
      { script: unauthorized },
      /refused with 401.*who are you/,
      /declare auth: bearer/,
    ],
    [
      'the credentials are refused',
      'credentials',
      { script: unauthorized, source: { auth: bearer(secret('SHOP_KEY')) }, environment: { SHOP_KEY: 'k3y-of-shop' } },
      /refused with 401/,
      /check SHOP_KEY/,
    ],
    [
      'the credentials are not enough',
      'credentials',
      { script: () => ({ status: 403, json: {} }) },
      /refused with 403/,
      /ask the API for access/,
    ],
    [
      'the token endpoint is down',
      'credentials',
      {
        source: {
          auth: oauth2ClientCredentials({
            tokenUrl: 'http://127.0.0.1:1/',
            clientId: 'shop',
            clientSecret: secret('SHOP_KEY'),
          }),
        },
        environment: { SHOP_KEY: 'k3y-of-shop' },
      },
      /no token from http:\/\/127\.0\.0\.1:1\//,
      /token endpoint is up/,
    ],
    [
      'there is nothing at the path',
      'first page',
      { script: () => ({ status: 404, json: { error: 'no such thing' } }) },
      /404.*no such thing/,
      /path/,
    ],
    ['the API fails', 'first page', { script: () => ({ status: 503, json: {} }) }, /failed 3 times/, /attemptsMax/],
    [
      'the token endpoint redirects to another origin',
      'credentials',
      {
        script: () => ({ status: 307, headers: { location: 'https://login.example/token' } }),
        source: { auth: oauth2ClientCredentials({ tokenUrl: '/t', clientId: 'me', clientSecret: secret('SHOP_KEY') }) },
        environment: { SHOP_KEY: 'k3y-of-shop' },
      },
      /gives no token: 307, a redirect to https:\/\/login\.example\/token/,
      /declare that address whole/,
    ],
    [
      'the answer is a page for people',
      'first page',
      { script: () => ({ body: '<html>Sign in</html>' }) },
      /HTML.*Sign in/,
      /./,
    ],
    [
      'records points to nothing',
      'first page',
      { stream: { records: '/items' } },
      /no array of records at "\/items"/,
      /records: '\/data' \(2 objects\)/,
    ],
    [
      'records points to an object',
      'first page',
      { stream: { records: '' } },
      /no array of records at ""/,
      /records: '\/data'/,
    ],
    [
      'a records function throws',
      'first page',
      { stream: { records: () => [].at(0) as never } },
      /no array of records at the place that its function names/,
      /records: '\/data'/,
    ],
    [
      'there are no records in the answer at all',
      'first page',
      { script: text({ error: 'quota' }) },
      /no array/,
      /check path and params/,
    ],
    [
      'params throws',
      'first page',
      {
        stream: {
          params: () => {
            throw new Error('no luck')
          },
        },
      },
      /the function throws for partition 0/,
      /it gets/,
    ],
    [
      'the cursor is at another place',
      'second page',
      { stream: { paginate: cursor({ next: '/meta/cursor', param: 'cursor' }) } },
      /paginate \(cursor\) finds no next page/,
      /the response has "\/next"/,
    ],
    [
      'the cursor is sent where the API does not look',
      'second page',
      { stream: { paginate: cursor({ next: '/next', param: 'after' }) } },
      /page 2 (has the same records as page 1|names the same next page)/,
      /cursor is sent where the API expects it/,
    ],
    [
      'the API does not take the cursor',
      'second page',
      {
        script: (asked) =>
          asked.query.has('cursor') ? { status: 400, json: { error: 'bad cursor' } } : wellBehaved()(asked),
      },
      /400.*bad cursor/,
      /check in paginate/,
    ],
    [
      'the second page brings nothing new',
      'second page',
      {
        script: ({ query }) => ({
          json: {
            data: query.has('cursor') ? [ORDERS[1], ORDERS[0]] : ORDERS.slice(0, 2),
            next: query.has('cursor') ? 'c' : 'b',
          },
        }),
        stream: { watermark: undefined },
      },
      /all its 2 records were on the first page/,
      /cursor is sent/,
    ],
    [
      'the API says what the declaration does not see',
      'second page',
      { stream: { paginate: none() } },
      /none\) finds no next page/,
      /"\/next"/,
    ],
    [
      'the next page is in a Link header',
      'second page',
      {
        script: () => ({ json: { data: ORDERS }, headers: { link: '</orders?page=2>; rel="next"' } }),
        stream: { watermark: undefined },
      },
      /finds no next page/,
      /linkHeader\(\)/,
    ],
    [
      'has_more is declared and missing',
      'second page',
      { stream: { paginate: cursor({ next: '/next', param: 'cursor', hasMore: '/has_more' }) } },
      /hasMore is declared at "\/has_more"/,
      /the response has "\/next"/,
    ],
    [
      'the next page is on another host',
      'second page',
      {
        script: () => ({ json: { data: ORDERS }, headers: { link: '<https://other.example/orders>; rel="next"' } }),
        stream: { paginate: linkHeader(), watermark: undefined },
      },
      /leads away/,
      /allowOrigins/,
    ],
    [
      'the records do not fit the schema',
      'schema',
      { stream: { schema: z.object({ ...orderSchema.shape, total: z.string() }) } },
      /0 of 4 records fit/,
      /the first failure: total: /,
    ],
    [
      'the parameter is not honoured',
      'watermark',
      { script: wellBehaved({ read: () => 0 }) },
      /does not honour since=2026-01-01T00:00:04.000Z: 2 of 2 records are older/,
      /name of the parameter.*as: 'iso'/,
    ],
    [
      'the parameter is refused',
      'watermark',
      {
        script: (asked) =>
          asked.query.has('since') ? { status: 400, json: { error: 'since: no number' } } : wellBehaved()(asked),
      },
      /400.*since: no number/,
      /check since.*as: 'iso'/,
    ],
    [
      'equal records are left out',
      'watermark',
      { script: wellBehaved({ exclusive: true }) },
      /since=2026-01-01T00:00:04.000Z excludes equal records/,
      /add exclusive: true/,
    ],
    [
      'the API reads the parameter as something else',
      'watermark',
      {
        stream: { watermark: { field: 'updated_at', param: 'since', as: 'epochMs' } },
        script: wellBehaved({ read: (since) => Number(since) * 1000 }),
      },
      /and one step earlier return none/,
      /the format that it expects/,
    ],
    [
      'the records are not sorted as declared',
      'order',
      {
        script: ({ query }) => ({
          json: { data: query.has('since') ? [ORDERS[2]] : [ORDERS[2], ORDERS[0]], next: null },
        }),
        stream: { watermark: { field: 'updated_at', param: 'since', sorted: true } },
      },
      /are not in the order of updated_at/,
      /remove sorted/,
    ],
    [
      'the declared quota is more than the API allows',
      'quota',
      {
        source: { quota: { requests: 100, per: '1s' } },
        script: withHeaders(wellBehaved(), { 'ratelimit-policy': '"default";q=60;w=60' }),
      },
      /100 in 1 s is more than the API allows: 60 in 60 s/,
      /quota: \{ requests: 60, per: '60s' \}/,
    ],
    [
      'no quota is declared, and the API has one',
      'quota',
      { script: withHeaders(wellBehaved(), { 'x-ratelimit-limit-minute': '60' }) },
      /none is declared.*60 in 60 s/,
      /quota: \{ requests: 60, per: '60s' \}/,
    ],
  ]
  for (const [name, step, given, says, advice] of failures) {
    test(name, async (t) => {
      const { steps } = await check(t, given)
      const found = stepOf(steps, step)
      assert.equal(found.status, 'failed', JSON.stringify(steps, null, 1))
      assert.match(found.says, says)
      assert.match(found.advice ?? '', advice)
      assert.deepEqual(
        steps.filter(({ status }) => status === 'failed').map((each) => each.step),
        [step],
      )
    })
  }
})
