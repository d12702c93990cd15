/**
 * Why nothing happens is said at info level: retries with their reason and how long, waits for the quota, pauses,
 * tokens that do not come.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { oauth2ClientCredentials, secret } from '#shared/index.ts'
import { createWaitLog } from '../../../services/fetcher/http/wait-log.ts'
import { fastClock } from '../../support/clocks.ts'
import { inTurn, startServer } from '../../support/http.ts'
import { clientFor } from './fixture.ts'

const PAGE = { json: { data: [] } }
const INFO = 30

const infos = (logged: string) =>
  logged
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level >= INFO)

describe('what is waited for', () => {
  test('is said once for a page that fails: request, reason, attempt, how long and until when', async (t) => {
    const server = await startServer(t, inTurn({ status: 503 }, { status: 502 }, PAGE))
    const { ask, logged } = clientFor(t, server.url)
    await ask()
    const [line, ...others] = infos(logged())
    assert.deepEqual(others, [])
    assert.deepEqual(
      [line.msg, line.stream, line.reason, line.attempt],
      ['request failed, retrying', 'shop.orders', '503', 1],
    )
    assert.match(line.request, /^GET http.*\/orders/)
    assert.ok(line.waitMs >= 1000 && line.waitMs <= 2000)
    assert.ok(Date.parse(line.until) > 0)
  })

  test('is said again where a repetition has long to wait', async (t) => {
    const server = await startServer(
      t,
      inTurn({ status: 500 }, { status: 429, headers: { 'retry-after': '30' } }, PAGE),
    )
    const { ask, logged } = clientFor(t, server.url, { clock: fastClock({ speed: 500 }) })
    await ask()
    const lines = infos(logged())
    assert.deepEqual(
      lines.map(({ msg, reason, attempt }) => [msg, reason, attempt]),
      [
        ['request failed, retrying', '500', 1],
        ['request failed, retrying', '429', 2],
        ['waiting: the API asked for a pause', undefined, undefined],
      ].slice(0, lines.length),
    )
    assert.ok(lines.length >= 2)
  })

  test('is the token, where its endpoint fails', async (t) => {
    const server = await startServer(t, ({ path }, number) =>
      path === '/token'
        ? number === 0
          ? { status: 503 }
          : { json: { access_token: 'a-good-token', expires_in: 3600 } }
        : PAGE,
    )
    const auth = oauth2ClientCredentials({
      tokenUrl: '/token',
      clientId: secret('SHOP_ID'),
      clientSecret: secret('SHOP_SECRET'),
    })
    const { ask, logged } = clientFor(t, server.url, { source: { auth } })
    await ask()
    const [line] = infos(logged())
    assert.deepEqual([line.msg, line.source, line.reason, line.attempt], ['no token, retrying', 'shop', '503', 1])
  })

  test('is not said without end: of an API that always fails ten lines a minute, with the number of the others', () => {
    const lines: string[] = []
    const clock = { ...fastClock(), nowMs: () => elapsedMs, elapsedMs: () => elapsedMs }
    let elapsedMs = 0
    const waits = createWaitLog({
      log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      clock,
    })
    for (let at = 0; at < 1_200; at++) {
      elapsedMs = at * 100
      waits.say({ about: 'shop.orders', waitMs: 1, fields: {} }, 'request failed, retrying')
    }
    assert.equal(lines.length, 20)
    assert.equal(JSON.parse(lines[10] ?? '').untold, 590)
    waits.say({ about: 'shop.refunds', waitMs: 1, fields: {} }, 'request failed, retrying')
    assert.equal(lines.length, 21)
  })
})
