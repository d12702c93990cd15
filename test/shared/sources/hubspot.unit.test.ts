import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import hubspot from '#shared/sources/hubspot.ts'
import { fastClock } from '../../support/clocks.ts'
import { startServer } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { CAP, HUBSPOT_TOKEN, type Kept, LAG_MS, likeHubspot, type Search, START_MS } from './like-hubspot.ts'
import { openExample, picked, type Row } from './running.ts'

const RECORDING = new URL('./hubspot.contacts.recording.json', import.meta.url)

describe('recorded pages of HubSpot contacts', () => {
  test('are searched for by id behind the last one, with the properties that the schema names', async () => {
    const { requests, pages } = await walkRecorded(hubspot, 'contacts', RECORDING)
    assert.equal(pages, 2)
    const searches = requests.map(({ body }) => body as Search)
    assert.deepEqual(
      searches.map(({ filterGroups }) => filterGroups[0]?.filters),
      ['0', '1002'].map((id) => [
        { propertyName: 'lastmodifieddate', operator: 'GTE', value: 0 },
        { propertyName: 'hs_object_id', operator: 'GT', value: id },
      ]),
    )
    for (const { sorts, limit, properties, after } of searches) {
      assert.deepEqual(sorts, [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }])
      assert.deepEqual([limit, after], [200, undefined])
      assert.ok(['email', 'lastmodifieddate', 'total_revenue'].every((name) => properties.includes(name)))
      assert.ok(!properties.includes('id'))
    }
    assert.deepEqual(
      requests.map(({ method, url }) => `${method} ${url}`),
      Array(2).fill('POST https://api.hubapi.com/crm/v3/objects/contacts/search'),
    )
  })

  test('become flat records: exact ids and money, null for what was emptied', async () => {
    const { records } = await walkRecorded(hubspot, 'contacts', RECORDING)
    assert.deepEqual(
      records.map(({ id }) => id),
      ['51', '901', '90071992547409931', '90071992547409935'],
    )
    assert.deepEqual(records[0], {
      id: '51',
      email: 'contact-51@example.com',
      firstname: 'Contact',
      lastname: 'Number 51',
      phone: '+43 000 000',
      company: 'Example Mill',
      jobtitle: null,
      city: 'Exampleton',
      country: 'Austria',
      lifecyclestage: 'customer',
      hs_lead_status: null,
      hubspot_owner_id: '9007199254740993',
      associatedcompanyid: '77',
      num_associated_deals: '2',
      total_revenue: '1250.5',
      hs_email_optout: 'true',
      hs_analytics_source: 'OFFLINE',
      createdate: '2026-01-02T03:04:05.678Z',
      closedate: '2026-01-15T00:00:00Z',
      lastmodifieddate: '2026-01-20T10:00:00.125Z',
    })
  })

  test('tell of a contact without the time of its change, and of what HubSpot adds', async () => {
    const { deadLetters, drift } = await walkRecorded(hubspot, 'contacts', RECORDING)
    assert.deepEqual(
      deadLetters.map(({ page, issues }) => [page, issues.split(':')[0]]),
      [[1, 'lastmodifieddate']],
    )
    assert.deepEqual(drift, { objectWriteTraceId: 'string' })
  })
})

describe('against a server that behaves like HubSpot', () => {
  test('more contacts than a query gives are there, each as it was changed last, also while pages are walked', async (t) => {
    const random = randomFrom(testSeed())
    const clock = fastClock({ startMs: START_MS, speed: 100 })
    const contacts = new Map<number, Kept>()
    const changed = (id: number, ms: number): Kept => ({
      id,
      email: `contact-${id}-${between(random, 0, 1e6)}@example.com`,
      lastmodifieddate: new Date(ms).toISOString(),
    })
    let lastId = 0
    for (let number = 0; number < CAP + 400; number++) {
      lastId += between(random, 1, 5)
      // A third of them in one moment, as an import leaves them.
      contacts.set(
        lastId,
        changed(lastId, START_MS - (number % 3 === 0 ? 1_000_000 : between(random, 1_000_000, 9_000_000))),
      )
    }
    const ids = [...contacts.keys()]
    let changing = true
    const { script, put, seen } = likeHubspot(contacts, clock, () => {
      if (!changing) return
      for (let change = 0; change < 3; change++)
        put(changed(ids[between(random, 0, ids.length - 1)] ?? 1, clock.nowMs()))
      lastId += between(random, 1, 5)
      put(changed(lastId, clock.nowMs()))
    })
    const server = await startServer(t, script)
    const example = openExample(t, hubspot, server.url, clock, { HUBSPOT_TOKEN })

    // Changed before the run begins, and found when their page is past.
    for (const id of ids.slice(0, 50)) put(changed(id, clock.nowMs()))
    await clock.sleep(LAG_MS / 4)
    const first = await example.run(null, () => random() < 0.3)
    assert.ok(first.pages.length > CAP / 200)
    changing = false
    await clock.sleep(LAG_MS)
    const second = await example.run(first.watermark)

    const held = [...contacts.values()].map((contact): [string, Row] => [
      String(contact.id),
      { ...contact, id: String(contact.id) },
    ])
    const fields = ['id', 'email', 'lastmodifieddate']
    assert.deepEqual(picked(example.table, fields), picked(held, fields))
    assert.deepEqual([...first.rejected, ...second.rejected], [])
    assert.ok(second.rows.length < 1000, 'the second run asks for changes only')

    // Nothing changes any more: one empty page.
    const third = await example.run(new Date(clock.nowMs() + 3_600_000).toISOString())
    assert.deepEqual([third.pages.length, third.rows], [1, []])
    assert.equal(typeof seen.searches.at(-1)?.filterGroups[0]?.filters[0]?.value, 'number')
    assert.equal(seen.refused, 0)
    assert.ok(!example.logged().includes(HUBSPOT_TOKEN))
  })
})
