import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Failure } from '../../../services/loader/failures/classify-error.ts'
import { withOverloadBackoff } from '../../../services/loader/insert/overload-backoff.ts'
import { virtualClock } from '../../support/clocks.ts'

const overload: Failure = { kind: 'overload', code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES', message: '', row: null }
const run = async () => ({ failure: null, rows: 0 })
const ask = async () => ({ failure: null, row: null })
const insert = (table: string) => ({ database: 'd', table, body: [], rows: 1, token: 't' })

test('an answer of an overloaded server holds the inserts of all tables, longer with each in a row, and not after one that went in', async () => {
  const clock = virtualClock({ random: () => 0.999 })
  const answers: (Failure | null)[] = [overload, overload, null, overload, null]
  const started: number[] = []
  const answer = async () => {
    started.push(clock.elapsedMs())
    return answers.shift() ?? null
  }
  const writer = withOverloadBackoff({ insert: answer, run, ask }, clock)
  const { signal } = new AbortController()
  const all = (async () => {
    for (const table of ['a', 'b', 'c', 'd', 'e']) await writer.insert(insert(table), signal)
  })()
  await clock.runTo(60_000)
  await all
  const waits = started.slice(1).map((at, index) => at - (started[index] ?? 0))
  assert.deepEqual(
    waits.map((wait) => Math.round(wait / 100) * 100),
    [200, 400, 0, 200],
  )
})

test('a hold ends with the assignment', async () => {
  const clock = virtualClock()
  const over = new AbortController()
  let asked = 0
  const answer = async () => {
    asked += 1
    return overload
  }
  const writer = withOverloadBackoff({ insert: answer, run, ask }, clock)
  await writer.insert(insert('a'), over.signal)
  const second = writer.insert(insert('b'), over.signal)
  over.abort(new Error('over'))
  await second
  assert.equal(asked, 2)
})
