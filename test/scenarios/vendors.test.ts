/**
 * Declarations as new users write them from a vendor's documentation, against servers that behave as it says. Each is
 * short and has no cast. All commands run, and the fetcher is killed in the middle of each walk.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { namesFor } from '#shared/names.ts'
import { startServer } from '../support/http.ts'
import { query, until } from '../support/loading.ts'
import { QUICK } from '../support/pipeline.ts'
import { run, start } from '../support/processes.ts'
import { testStack, uniquePrefix } from '../support/stack.ts'
import { type Issue, JIRA, likeJira } from './vendors/jira.ts'
import { type Account, likeSalesforce, SALESFORCE } from './vendors/salesforce.ts'
import { likeZendesk, type Ticket, ZENDESK } from './vendors/zendesk.ts'

const SOURCES = join(import.meta.dirname, 'vendors', 'sources')
const STREAMS = ['zendesk.tickets', 'salesforce.accounts', 'jira.issues']
const LINES_MAX = 30
const TEST_MS_MAX = 180_000

test('each declaration has at most 30 lines beside its schema, no cast, and no walk of its own', async () => {
  for (const name of STREAMS.map((stream) => stream.split('.')[0])) {
    const text = await readFile(join(SOURCES, `${name}.ts`), 'utf8')
    const [schema = ''] = /^const \w+ = z\.object\([\s\S]*?^\}\)$/m.exec(text) ?? []
    assert.notEqual(schema, '', name)
    const declaration = text.slice(text.indexOf('import ')).replace(schema, '')
    const lines = declaration.split('\n').filter((line) => line.trim() !== '')
    assert.ok(lines.length <= LINES_MAX, `${name}: ${lines.length} lines`)
    assert.doesNotMatch(declaration, / as |\bany\b|\bnever\b|\bunknown\b|generator|@ts-/, name)
  }
})

const SHOWN = {
  zendesk_tickets: 'id::String, subject, status, toUnixTimestamp(generated_timestamp)::String',
  salesforce_accounts: 'Id, Name, toUnixTimestamp64Milli(SystemModstamp)::String',
  jira_issues: 'id, key, status, toUnixTimestamp64Milli(updated)::String',
}
const RECORDS = 56
/** So many have one time, more than a page ends at. */
const TIES = 7
const MINUTE_MS = 60_000
/** The request of each server in which the fetcher is killed: a page is published, and one request was refused. */
const KILLED_AT = 3

test('tickets, accounts and issues arrive in ClickHouse once and whole, though the fetcher was killed in each walk', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const { now, tickets, accounts, issues } = recordsOfAll()
  const late = issueOf(RECORDS + 1, now - 13 * MINUTE_MS)
  let isIndexed = false
  const zendesk = likeZendesk(tickets)
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const salesforce = likeSalesforce(accounts, publicKey, () => instance.url)
  const jira = likeJira(issues, ({ id }) => isIndexed || id !== late.id)
  issues.set(late.id, late)
  const [support, login, instance, site] = [
    await startServer(t, zendesk.script),
    await startServer(t, salesforce.login),
    await startServer(t, salesforce.script),
    await startServer(t, jira.script),
  ]
  const stack = await testStack()
  const prefix = uniquePrefix()
  const env = stack.env({
    ...QUICK,
    ...{ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix, HEADRACE_LOG_FORMAT: 'json', HEADRACE_SOURCES: SOURCES },
    ...{ ZENDESK_URL: support.url, ZENDESK_USER: ZENDESK.user, ZENDESK_TOKEN: ZENDESK.token },
    ...{ JIRA_URL: site.url, JIRA_USER: JIRA.user, JIRA_TOKEN: JIRA.token },
    ...{ SALESFORCE_INSTANCE_URL: instance.url, SALESFORCE_TOKEN_URL: `${login.url}/services/oauth2/token` },
    ...{ SALESFORCE_CLIENT_ID: SALESFORCE.clientId, SALESFORCE_USER: SALESFORCE.user },
    SALESFORCE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
  const config = readConfig(env)
  const fetchOnce = async () => {
    const done = await run(t, ['fetch', ...STREAMS, '--once'], env)
    assert.equal(done.status, 0, done.stderr)
  }

  const loader = start(t, 'loader', ['load'], env)
  const killed = start(t, 'fetcher', ['fetch', ...STREAMS, '--once'], env)
  const { promise: isKilled, resolve: goOn } = Promise.withResolvers<void>()
  const waiting = new Set<object>()
  for (const vendor of [zendesk, salesforce, jira])
    vendor.onAsked(async (number) => {
      if (number !== KILLED_AT) return
      waiting.add(vendor)
      await isKilled
    })
  await until('each walk is in its middle', () => waiting.size === STREAMS.length || killed.ended() !== null)
  killed.kill('SIGKILL')
  await killed.exit
  assert.equal(waiting.size, STREAMS.length, killed.stderr())
  // A locator is refused like an unknown one when its time is over.
  salesforce.forgetLocators()
  goOn()
  await fetchOnce()

  // What changes later has a later time, the time of the newest record, or was found late.
  tickets.set(1, { ...ticketOf(1, now - 3 * MINUTE_MS), subject: 'changed' })
  tickets.set(2, { ...ticketOf(2, now - 3 * MINUTE_MS), status: 'deleted' })
  tickets.set(RECORDS + 1, ticketOf(RECORDS + 1, now - 10 * MINUTE_MS))
  accounts.set(accountId(1), { ...accountOf(1, now - 3 * MINUTE_MS), Name: 'changed' })
  accounts.set(accountId(2), { ...accountOf(2, now - 3 * MINUTE_MS), IsDeleted: true })
  accounts.set(accountId(RECORDS + 1), accountOf(RECORDS + 1, now - 10 * MINUTE_MS))
  issues.set('10001', { ...issueOf(1, now - 3 * MINUTE_MS), status: 'Done' })
  isIndexed = true
  await fetchOnce()

  const shown = async (): Promise<string[][]> => {
    const tables: string[][] = []
    for (const [table, fields] of Object.entries(SHOWN)) {
      const sql = `SELECT toJSONString([${fields}]) AS row FROM {db}.${table}_current`
      const rows = await query<{ row: string }>({ config } as Parameters<typeof query>[0], sql)
      tables.push(rows.map(({ row }) => row).sort())
    }
    return tables
  }
  const textsOf = <T>(records: Iterable<T>, fieldsOf: (record: T) => (string | null)[]) =>
    [...records].map((record) => JSON.stringify(fieldsOf(record))).sort()
  const open = [...tickets.values()].filter(({ status }) => status !== 'deleted')
  const kept = [...accounts.values()].filter(({ IsDeleted }) => !IsDeleted)
  const expected = [
    textsOf(open, (each) => [`${each.id}`, each.subject, each.status, `${each.generated_timestamp}`]),
    textsOf(kept, (each) => [each.Id, each.Name, `${each.modifiedMs}`]),
    textsOf(issues.values(), (each) => [each.id, each.key, each.status, `${each.updatedMs}`]),
  ]
  const count = (tables: string[][]) => tables.map(({ length }) => length).join()
  await until(
    'the tables show what the vendors have',
    async () => count(await shown().catch(() => [])) === count(expected),
  )
  await loader.stop()
  assert.deepEqual(await shown(), expected)
  for (const vendor of [zendesk, salesforce, jira]) assert.deepEqual(vendor.complaints, [])
  assert.ok(salesforce.sessions() > 2, 'a session that ended was followed by another')

  // Each version once, though pages were asked for again.
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  t.after(() => kafka.close())
  const [versions, ofIssues] = [RECORDS + 3, RECORDS + 2]
  for (const [index, stream] of STREAMS.entries()) {
    const [source = '', name = ''] = stream.split('.')
    const topic = namesFor(prefix).records({ source, stream: name })
    const [{ low, high } = { low: 0, high: 0 }] = await kafka.logRanges(topic)
    let published = 0
    for await (const { value } of kafka.readPartition(topic, 0, low, high)) published += value === null ? 0 : 1
    assert.equal(published, index === 2 ? ofIssues : versions, stream)
  }
})

const accountId = (number: number): string => `001A${String(number).padStart(8, '0')}`
const ticketOf = (number: number, atMs: number): Ticket => ({
  ...{ id: number, subject: number % 5 === 0 ? null : `Ticket ${number}`, status: 'open' },
  generated_timestamp: Math.floor(atMs / 1000),
})
const accountOf = (number: number, atMs: number): Account => ({
  ...{
    Id: accountId(number),
    Name: `Account ${number}`,
    AnnualRevenue: number % 5 === 0 ? null : number,
    IsDeleted: false,
  },
  modifiedMs: atMs,
})
const issueOf = (number: number, atMs: number): Issue => ({
  ...{ id: String(10_000 + number), key: `OPS-${number}`, summary: `Issue ${number}`, status: 'Open' },
  updatedMs: atMs,
})

/** With ties; the newest are ten minutes old. */
function recordsOfAll() {
  const now = Math.floor(Date.now() / 1000) * 1000
  const [tickets, accounts, issues] = [new Map<number, Ticket>(), new Map<string, Account>(), new Map<string, Issue>()]
  const groups = Math.ceil(RECORDS / TIES)
  for (let number = 1; number <= RECORDS; number++) {
    const atMs = now - (10 + groups - Math.ceil(number / TIES)) * MINUTE_MS
    tickets.set(number, ticketOf(number, atMs))
    accounts.set(accountId(number), accountOf(number, atMs))
    issues.set(String(10_000 + number), issueOf(number, atMs))
  }
  return { now, tickets, accounts, issues }
}
