/**
 * A ClickHouse that has too many parts and no memory left, in turn, under a backlog far larger than what the loader may
 * hold.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { headrace } from '../../support/child.ts'
import { clickhouseProxy, type Mishap } from '../../support/clickhouse-proxy.ts'
import { commits, count, until } from '../../support/loading.ts'
import { closeAll, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const MIB = 1024 * 1024
const PAGES = 60
const PAGE_RECORDS = 100
const NOTE_BYTES = 10_000
const IN_FLIGHT_BYTES = 4 * MIB
/** What the garbage collector may leave lying about; the backlog is 57 MiB. */
const GROWTH_BYTES_MAX = 32 * MIB
const STORM_MS = 8_000
/** Without longer and longer waits it would be thousands. */
const ATTEMPTS_MAX = 40

const residentBytes = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

test('a storm of 252 and 241 slows the loader down, its memory stays as it is, and all is loaded when it is over', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50', LOADER_IN_FLIGHT_BYTES: String(IN_FLIGHT_BYTES) })
  const orders = await publish(place)
  let storm = false
  let refused = 0
  const proxy = await clickhouseProxy(place.config.clickhouse.url, (table): Mishap => {
    if (!storm || table !== orders.table) return 'pass'
    refused += 1
    return refused % 2 === 0 ? { code: 241, name: 'MEMORY_LIMIT_EXCEEDED' } : { code: 252, name: 'TOO_MANY_PARTS' }
  })
  const page = (number: number) =>
    orders.page({
      records: Array.from({ length: PAGE_RECORDS }, (_, key) => ({
        ...order(number * PAGE_RECORDS + key),
        note: 'n'.repeat(NOTE_BYTES),
      })),
    })
  const loader = headrace(['load'], { ...place.env, CLICKHOUSE_URL: proxy.url })
  let end = 0
  for (let number = 0; number < 10; number++) end = await page(number)
  await until('it has loaded these', async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) >= end)
  const before = (await commits(place, orders.topic))[0]
  storm = true
  for (let number = 10; number < PAGES; number++) await page(number)
  await until('the storm is felt', () => refused >= 3)
  const calm = residentBytes(loader.pid)
  await setTimeout(STORM_MS)
  const grown = residentBytes(loader.pid) - calm
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`)
  assert.ok(refused < ATTEMPTS_MAX, `${refused} attempts`)
  assert.deepEqual((await commits(place, orders.topic))[0], before)
  storm = false
  await until('all is loaded', async () => (await count(place, orders.table)) === PAGES * PAGE_RECORDS)
  await until('all is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
  assert.equal((await orders.deadLetters()).length, 0)
  loader.process.kill('SIGTERM')
  assert.deepEqual(await loader.exited, { code: 0, signal: null })
  await orders.close()
})
