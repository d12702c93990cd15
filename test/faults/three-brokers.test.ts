/**
 * The pipeline on three brokers with every record on all of them: kill -9 of the leader, of each coordinator and of the
 * controller, and a rolling restart, while fetcher and loader run. Nothing is lost and nothing is twice in the log. The
 * processes keep their memberships, and a planned restart costs no request.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rolesOf } from '../support/broker-roles.ts'
import { until } from '../support/loading.ts'
import { ownBrokers } from '../support/own-brokers.ts'
import { pipeline } from '../support/pipeline.ts'
import type { Visit } from '../support/walk-api.ts'

const TEST_MS_MAX = 400_000
const REGIONS = ['eu', 'us', 'ap']
const RECORDS = 16_667
const PAGE_SIZE = 200
const PAGES = REGIONS.length * Math.ceil(RECORDS / PAGE_SIZE)
/** How many of them may be asked for in each part of the test; the rest is for the end. */
const PAGES_A_PART = Math.floor(PAGES / 6)
const WAIT_MAX_MS = 90_000

/** A dead broker is replaced after three seconds instead of nine. */
const QUICK_FAILOVER = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' }

const placeOf = ({ region, cursor }: Visit): string => `${region} ${cursor}`

describe('three brokers', () => {
  test('that are killed and restarted cost no record, no membership and no second request', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const brokers = await ownBrokers(t, { nodes: 3, properties: QUICK_FAILOVER })
    const roles = rolesOf(brokers)
    const env = { KAFKA_REPLICATION_FACTOR: '3', KAFKA_SESSION_TIMEOUT_MS: '30000' }
    const walk = { regions: REGIONS, records: RECORDS, pageSize: PAGE_SIZE, paceMs: 30 }
    const p = await pipeline(t, { ...walk, stack: await brokers.stack(), env })
    const { topic, names } = p

    let allowed = PAGES_A_PART
    p.api.hold = async (_visit, isGone) =>
      until('pages are allowed', () => p.api.visits.length <= allowed || isGone(), TEST_MS_MAX)
    const [fetcher, loader] = [p.fetcher(), p.loader()]
    const rows = async () =>
      Number(
        (await p.query<{ n: number }>('SELECT count() AS n FROM {db}.shop_orders FINAL').catch(() => []))[0]?.n ?? 0,
      )
    await until('rows arrive', async () => (await rows()) > 0, WAIT_MAX_MS)
    const memberIds = async (group: string) => (await p.kafka.members(group)).map(({ memberId }) => memberId)
    const before = { loader: await memberIds(names.loaderGroup), fetcher: await memberIds(names.fetcherGroup) }
    assert.equal(before.loader.length, 1)

    /** Lets the pipeline work during a fault and waits until its records are in the table. */
    async function during(what: string, fault: () => Promise<void>): Promise<void> {
      const startedMs = performance.now()
      const settled = Math.min((await rows()) + PAGES_A_PART * PAGE_SIZE * 0.9, RECORDS * REGIONS.length)
      allowed += PAGES_A_PART
      await fault()
      await until(`${what}: its pages are in the table`, async () => (await rows()) >= settled, WAIT_MAX_MS)
      t.diagnostic(`${what}: loaded after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
    }

    async function killed(id: number): Promise<void> {
      await brokers.kill(id)
    }

    async function back(id: number): Promise<void> {
      await brokers.start(id)
      await until('all replicas are in sync', () => roles.areInSync([topic]).catch(() => false), WAIT_MAX_MS)
    }

    const transactionalId = names.transactionalId(topic, 0)
    const kills = {
      'the leader of a partition': async () => (await roles.leaders(topic))[0] ?? -1,
      "the coordinator of the loader's group": () => roles.coordinator('group', names.loaderGroup),
      'the coordinator of a transaction': () => roles.coordinator('transaction', transactionalId),
      'the controller': () => roles.controller(),
    }
    for (const [what, find] of Object.entries(kills)) {
      const id = await find()
      assert.ok(brokers.ids.includes(id), `${what} is broker ${id}`)
      await during(`kill -9 of ${what}, broker ${id}`, () => killed(id))
      await back(id)
    }
    assert.deepEqual(await memberIds(names.loaderGroup), before.loader, 'the loader has kept its member id')
    assert.deepEqual(await memberIds(names.fetcherGroup), before.fetcher, 'the fetcher has kept its member id')

    const asked = p.api.visits.length
    allowed = Number.POSITIVE_INFINITY
    for (const id of brokers.ids) {
      await brokers.stop(id)
      await back(id)
    }
    await until('all rows are there', async () => (await rows()) === RECORDS * REGIONS.length, WAIT_MAX_MS)
    const since = p.api.visits
      .slice(asked)
      .filter((visit) => visit.since === null)
      .map(placeOf)
    assert.deepEqual(
      since.filter((place, at) => since.indexOf(place) !== at),
      [],
      'no page was asked for twice',
    )
    assert.deepEqual(await memberIds(names.loaderGroup), before.loader)

    const published = await p.published()
    assert.equal(published.length, RECORDS * REGIONS.length)
    assert.equal(new Set(published).size, published.length, 'each record is in the log once')
    assert.deepEqual([fetcher.ended(), loader.ended()], [null, null])
    for (const service of [fetcher, loader]) assert.equal((await service.stop()).status, 0, service.stderr())
  })
})
