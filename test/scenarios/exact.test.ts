/**
 * Values that are damaged on many ways from an API to a table: they arrive exactly as they were sent, or the record is
 * a dead letter.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { decimal, epochMs, epochSeconds, int64, none, z } from '#shared/index.ts'
import { startServer } from '../support/http.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'

after(closeAll)

const INT64_MAX = '9223372036854775807'
const MONEY = '12345678901234567890123456789012.123456'
const LONG = 'ü'.repeat(300_000)

const schema = z.object({
  id: z.string(),
  sequence: int64(),
  money: decimal(38, 6),
  small: decimal(38, 30),
  ms: epochMs(),
  seconds: epochSeconds(),
  text: z.string(),
  plain: z.number().optional(),
})

const record = (id: string, changes: Record<string, string> = {}): string => {
  const values = {
    sequence: INT64_MAX,
    money: MONEY,
    small: '0.3000000000000000444',
    ms: '1767225600123',
    seconds: '1767225600',
    text: '"x"',
  }
  const fields = Object.entries({ ...values, ...changes }).map(([name, value]) => `"${name}":${value}`)
  return `{"id":"${id}",${fields.join(',')}}`
}

test('numbers beyond a double, as numbers and as texts, and texts of all kinds', async (t) => {
  const deep = `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`
  const tooDeep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
  const records = [
    record('numbers'),
    record('texts', { sequence: `"-9223372036854775808"`, money: `"-${MONEY}"`, small: '"0.30000000000000004"' }),
    record('usual', { sequence: '7', money: '-12.5', small: '1e-7' }),
    record('long', { text: JSON.stringify(LONG) }),
    record('nul', { text: '"a\\u0000b"' }),
    record('emoji', { text: '"\\ud83d\\ude00"' }),
    record('nested', { odd: deep }),
    record('lone', { text: '"a\\ud800b"' }),
    record('lone-low', { text: '"a\\udc00b"' }),
    record('lone-name', { odd: '{"a\\udfff":1}' }),
    record('too-deep', { odd: tooDeep }),
    record('too-large', { sequence: '9223372036854775808' }),
    record('too-precise', { money: '0.1234567' }),
    record('unsure', { small: '0.30000000000000004' }),
    record('inexact', { plain: '9007199254740993' }),
  ]
  const api = await startServer(t, () => ({ body: `{"data":[${records.join(',')}]}` }))
  const { fetch, load, query, place } = await through()
  const orders = {
    path: '/orders',
    records: '/data',
    paginate: none(),
    schema,
    primaryKey: ['id'],
    rejectedShareMax: 1,
  }
  const { partitions } = await fetch({ name: 'shop', baseUrl: api.url, streams: { orders } })
  assert.equal(partitions['shop.orders/0']?.error, undefined)
  await load()
  const rows = await query<Record<string, string>>(
    `SELECT id, toString(sequence) AS sequence, toString(money) AS money, toString(small) AS small, toString(ms) AS ms, toString(seconds) AS seconds,
     hex(text) AS text, toString(_extra) AS extra FROM {db}.shop_orders FINAL ORDER BY id`,
  )
  const byId = new Map(rows.map(({ id, ...row }) => [id, row]))
  const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase()
  const exact = {
    ...{
      sequence: INT64_MAX,
      money: MONEY,
      small: '0.3000000000000000444',
      ms: '2026-01-01 00:00:00.123',
      seconds: '2026-01-01 00:00:00',
    },
    ...{ text: hex('x'), extra: '{}' },
  }
  assert.deepEqual(byId.get('numbers'), exact)
  assert.deepEqual(byId.get('texts'), {
    ...exact,
    sequence: '-9223372036854775808',
    money: `-${MONEY}`,
    small: '0.30000000000000004',
  })
  assert.deepEqual(byId.get('usual'), { ...exact, sequence: '7', money: '-12.5', small: '0.0000001' })
  assert.equal(byId.get('long')?.text, hex(LONG))
  assert.equal(byId.get('nul')?.text, hex('a\u0000b'))
  assert.equal(byId.get('emoji')?.text, hex('😀'))
  assert.match(byId.get('nested')?.extra ?? '', /"a":/)
  const topic = place.names.deadLetters(place.names.records({ source: 'shop', stream: 'orders' }))
  const letters = new Map<string, string>()
  for (const [partition, { low, high }] of (await place.kafka.logRanges(topic)).entries()) {
    for await (const { value } of place.kafka.readPartition(topic, partition, low, high)) {
      const raw = value?.toString() ?? ''
      letters.set(/"id":"([^"]+)"/.exec(raw)?.[1] ?? '', raw)
    }
  }
  for (const id of ['too-deep', 'too-large', 'too-precise', 'unsure', 'inexact', 'lone', 'lone-low', 'lone-name']) {
    assert.equal(byId.has(id), false, `${id} is no row`)
    assert.ok(letters.has(id), `${id} is a dead letter`)
  }
  assert.ok(letters.get('too-deep')?.includes(tooDeep))
  assert.match(letters.get('too-large') ?? '', /9223372036854775808/)
  assert.match(letters.get('inexact') ?? '', /9007199254740993/)
  assert.match(letters.get('lone') ?? '', /\\ud800/)
  assert.match(letters.get('lone-low') ?? '', /\\udc00/)
  assert.match(letters.get('lone-name') ?? '', /\\udfff/)
  assert.equal(byId.size + letters.size, records.length)
})
