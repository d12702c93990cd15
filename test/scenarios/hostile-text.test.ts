/**
 * An API whose names and values hold what terminals obey, through all commands on real servers: no output holds any of
 * it raw, names of 100,000 characters are cut, and what is stored is what came.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pipeline } from '../support/pipeline.ts'
import type { Done } from '../support/processes.ts'
import { type WalkRecord, walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const HOSTILE = 'a\u001b[31mb\u009b2Jc\u0085d\u202ee\u2028f\u200bg\rh\u001b]0;owned\u0007i'
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
/** Of all that one command says about thirty names of 100,000 characters. */
const OUTPUT_CHARS_MAX = 400_000

test('ANSI, C1, bidirectional and invisible characters of an API reach no output of any command, and are stored as they came', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const p = await pipeline(t, { records: 20, stream: "every: '300ms'," })
  const odd = { ...walkRecord('eu', 30), [HOSTILE]: HOSTILE, id: `id ${HOSTILE}` }
  const long = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`${'x'.repeat(100_000)}${at}`, 1]))
  p.api.put(odd)
  p.api.put({ ...walkRecord('eu', 31), ...long })
  p.api.put({ ...walkRecord('eu', 32, HOSTILE), [HOSTILE]: HOSTILE, id: `bad ${HOSTILE}` } as WalkRecord)

  const said: [string, Done][] = []
  const run = async (...args: string[]) => {
    const done = await p.run(...args)
    said.push([args.join(' '), done])
    return done
  }
  await run('check', 'shop')
  await run('preview', 'shop.orders', '--pages', '3', '--records', '30')
  await run('fetch', '--once')
  await run('load', '--until-caught-up')
  p.api.refuse = () => 401
  await run('fetch', '--once')
  await run('status')
  await run('status', '--wide')
  await run('status', '--check')
  await run('status', '--json')
  await run('dead-letters', 'list', 'shop.orders')
  await run('dead-letters', 'list', 'shop.orders', '--wide')
  const list = await run('dead-letters', 'list', 'shop.orders', '--json')
  const letter = JSON.parse(list.stdout).letters.find(({ reason }: { reason: string }) => reason === 'invalid_type')
  const at = `${letter.partition}:${letter.offset}`
  await run('dead-letters', 'show', 'shop.orders', '--at', at)
  const shown = await run('dead-letters', 'show', 'shop.orders', '--json', '--at', at)
  await run('verify', 'shop.orders')
  await run('plan')
  await run('replay', 'shop.orders', '--from', 'beginning', '--dry-run')
  await run('dead-letters', 'list', `shop.${HOSTILE.replaceAll('\r', '')}`)

  for (const [command, { stdout, stderr }] of said) {
    assert.doesNotMatch(stdout, UNSAFE, command)
    assert.doesNotMatch(stderr, UNSAFE, command)
    assert.ok(
      stdout.length + stderr.length < OUTPUT_CHARS_MAX,
      `${command} said ${stdout.length + stderr.length} characters`,
    )
  }
  // The raw record of a dead letter and a field in the table are what the API sent.
  assert.equal(JSON.parse(JSON.parse(shown.stdout).raw).total, HOSTILE)
  assert.ok((await p.published()).includes(odd.id))
  const rows = await p.query<{ id: string }>(
    `SELECT id FROM ${p.env.CLICKHOUSE_DATABASE}.shop_orders FINAL WHERE startsWith(id, 'id ')`,
  )
  assert.deepEqual(rows, [{ id: odd.id }])
})
