/**
 * What ClickHouse itself refuses for a while: the loader holds its place, the lag grows in the open, and loading goes
 * on when it is put right.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, describe, test } from 'node:test'
import type { Config } from '#shared/config/config.ts'
import { listening } from '../../support/http.ts'
import { command, commits, count, startLoader, until } from '../../support/loading.ts'
import { atEnd, closeAll, order, ownPlace, type Place, type Published, publish } from '../../support/published.ts'

after(closeAll)

const QUICK = { LOADER_BATCH_AGE_MS: '50' }
const PAGES = 3
/** More than any disk of a test machine has. */
const FREE_BYTES_WANTED = 1_000_000_000_000_000

async function heldBack(
  wanted: RegExp,
  spoil: (place: Place, orders: Published) => unknown,
  mend: (place: Place, orders: Published) => unknown,
  configOf: (place: Place) => Promise<Config> | Config = ({ config }) => config,
): Promise<void> {
  const place = await ownPlace(QUICK)
  const orders = await publish(place)
  const lag = async () => {
    const [range] = await place.kafka.logRanges(orders.topic)
    return (range?.high ?? 0) - ((await commits(place, orders.topic))[0]?.offset ?? 0)
  }
  await orders.page({ records: [order(0)] })
  const loading = startLoader(place, await configOf(place))
  await until(
    'the first page is committed',
    async () => (await commits(place, orders.topic))[0]?.open === 0 && (await lag()) === 0,
  )
  const before = (await commits(place, orders.topic))[0]
  await spoil(place, orders)
  let last = 0
  for (let page = 1; page <= PAGES; page++) {
    await orders.page({ records: [order(page)] })
    const now = await lag()
    assert.ok(now > last, `a lag of ${now} after ${last}`)
    last = now
  }
  await until('it says why', () =>
    loading.lines.some(({ level, reason }) => level === 'warn' && wanted.test(String(reason))),
  )
  assert.deepEqual((await commits(place, orders.topic))[0], before)
  assert.equal((await orders.deadLetters()).length, 0)
  await mend(place, orders)
  await until('it goes on by itself', async () => (await lag()) === 0)
  assert.equal(await count(place, orders.table, false), PAGES + 1)
  assert.equal((await orders.deadLetters()).length, 0)
  await loading.stop()
  await orders.close()
}

/** In front of ClickHouse; with another password than the server has, when it is told so. */
async function withPassword(target: string) {
  const at = { url: '', wrong: false }
  const { url, close } = await listening((incoming, answer) => {
    const url = new URL(incoming.url ?? '/', target)
    const basic = `Basic ${Buffer.from('default:changed').toString('base64')}`
    const headers = { ...incoming.headers, host: url.host, ...(at.wrong ? { authorization: basic } : {}) }
    const outgoing = request(url, { method: incoming.method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  atEnd(close)
  at.url = url
  return at
}

describe('what ClickHouse refuses for a while is waited for, with a growing lag, without a commit and without a dead letter', () => {
  test('a disk that is full', async () => {
    const set = (change: string) => (place: Place, orders: Published) =>
      command(place, `ALTER TABLE {db}.${orders.table} ${change}`)
    const setting = 'min_free_disk_bytes_to_perform_insert'
    await heldBack(
      /^NOT_ENOUGH_SPACE$/,
      set(`MODIFY SETTING ${setting} = ${FREE_BYTES_WANTED}`),
      set(`RESET SETTING ${setting}`),
    )
  })

  test('too many parts', async () => {
    const table = ({ config }: Place, orders: Published) => `\`${config.clickhouse.database}\`.${orders.table}`
    await heldBack(
      /^TOO_MANY_PARTS$/,
      async (place, orders) => {
        await command(place, `SYSTEM STOP MERGES ${table(place, orders)}`)
        await command(
          place,
          `ALTER TABLE {db}.${orders.table} MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1`,
        )
      },
      async (place, orders) => {
        await command(
          place,
          `ALTER TABLE {db}.${orders.table} RESET SETTING parts_to_throw_insert, parts_to_delay_insert`,
        )
        await command(place, `SYSTEM START MERGES ${table(place, orders)}`)
      },
    )
  })

  test('a password that is another one now', async () => {
    let door: Awaited<ReturnType<typeof withPassword>> | undefined
    const set = (wrong: boolean) => () => Object.assign(door ?? {}, { wrong })
    await heldBack(/^(AUTHENTICATION_FAILED|REQUIRED_PASSWORD)$/, set(true), set(false), async ({ config }) => {
      door = await withPassword(config.clickhouse.url)
      return { ...config, clickhouse: { ...config.clickhouse, url: door.url } }
    })
  })
})
