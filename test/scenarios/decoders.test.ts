/** Answers that are not JSON, on the whole way: from the bytes of a file to typed columns. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { csv, decimal, gunzip, int64, jsonl, lenientJson, none, xml, z } from '#shared/index.ts'
import { startServer } from '../support/http.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'

after(closeAll)

const schema = z.object({
  id: z.string(),
  amount: decimal(18, 2),
  number: int64(),
  items: z.coerce.number().int().optional(),
  paid: z.stringbool(),
})
const NUMBER = '9223372036854775807'
const XML = `<R><P><id>a</id><amount>12.50</amount><number>${NUMBER}</number><items>3</items><paid>yes</paid></P></R>`

test('CSV in a gzip file, lines of JSON, XML and lenient JSON arrive with their types; a ragged row is a dead letter', async (t) => {
  const bodies: Record<string, string | Buffer> = {
    '/csv': gzipSync(
      `id;amount;number;items;paid\na;12.50;${NUMBER};3;yes\nb;-0.10;7;;no\nragged;1\nc;1;1;1;1\nd;1;1;1;1\n`,
    ),
    '/jsonl': `{"id":"a","amount":"12.50","number":${NUMBER},"items":3,"paid":"yes"}\n`,
    '/xml': XML,
    '/lenient': `[{id: 'a', amount: 12.5, number: ${NUMBER}, items: 3, paid: 'yes',}, // the only one\n]`,
  }
  const api = await startServer(t, ({ path }) => ({ body: bodies[path] ?? '' }))
  const { fetch, load, query, place } = await through()
  const stream = (path: string, decode: unknown, more: object = {}) => ({
    ...{ path, decode, paginate: none(), schema, primaryKey: ['id'] },
    ...more,
  })
  const streams = {
    csv: stream('/csv', [gunzip(), csv({ delimiter: ';' })]),
    jsonl: stream('/jsonl', jsonl()),
    xml: stream('/xml', xml(), { records: '/R/P' }),
    lenient: stream('/lenient', lenientJson()),
  }
  const { partitions } = await fetch({ name: 'files', baseUrl: api.url, quota: { requests: 100, per: '1s' }, streams })
  for (const [name, { error }] of Object.entries(partitions)) assert.equal(error, undefined, name)
  await load()
  const rows = (stream: string) =>
    query(
      `SELECT id, toString(amount) AS amount, toString(number) AS number, toString(items) AS items, paid FROM {db}.files_${stream} FINAL ORDER BY id`,
    )
  const first = { id: 'a', amount: '12.5', number: NUMBER, items: '3', paid: true }
  for (const name of ['jsonl', 'xml', 'lenient']) assert.deepEqual(await rows(name), [first], name)
  assert.deepEqual(await rows('csv'), [
    first,
    { id: 'b', amount: '-0.1', number: '7', items: null, paid: false },
    { id: 'c', amount: '1', number: '1', items: '1', paid: true },
    { id: 'd', amount: '1', number: '1', items: '1', paid: true },
  ])
  const topic = place.names.deadLetters(place.names.records({ source: 'files', stream: 'csv' }))
  const letters: string[] = []
  for (const [partition, { low, high }] of (await place.kafka.logRanges(topic)).entries())
    for await (const { value } of place.kafka.readPartition(topic, partition, low, high)) letters.push(String(value))
  assert.deepEqual(letters, ['["ragged","1"]'])
})
