import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { namesFor } from '#shared/names.ts'
import { topicLists } from '../../../services/loader/consume/topics.ts'

const REFRESH_MS = 5_000
const names = namesFor('t')
const orders = names.records({ source: 'shop', stream: 'orders' })
const items = names.records({ source: 'shop', stream: 'items' })

/** What each check finds; null for a broker that does not respond. The loader stops after the last one. */
async function watched(checks: readonly (readonly string[] | null)[], refreshMs = REFRESH_MS) {
  const stop = new AbortController()
  const sleeps: number[] = []
  let check = 0
  const topics = async () => {
    const found = checks[check++]
    if (found == null) throw new Unavailable('HR_KAFKA', 'no broker responds')
    return [...found]
  }
  const sleep = async (ms: number) => {
    sleeps.push(ms)
    if (check === checks.length) stop.abort()
  }
  const kafka = { topics, partitions: async () => 0 }
  const clock = { ...systemClock, sleep }
  const lists: string[][] = []
  for await (const list of topicLists({ kafka, names, refreshMs, clock, log: silentLog }, stop.signal)) lists.push(list)
  return { lists, sleeps }
}

describe('the topics of the loader', () => {
  test('a broker that does not respond is asked again after the whole time', async () => {
    const { lists, sleeps } = await watched([null, null, [orders]])
    assert.deepEqual(lists, [[orders]])
    assert.deepEqual(sleeps.slice(0, 2), [REFRESH_MS, REFRESH_MS])
  })

  test('while there is none, and after a change, the next check comes soon', async () => {
    const { lists, sleeps } = await watched([[], [], [orders], [items, orders], [items, orders], [items, orders]])
    assert.deepEqual(lists, [[], [orders], [items, orders]])
    assert.deepEqual(sleeps, [500, 500, 500, 500, REFRESH_MS, REFRESH_MS])
  })

  test('a shorter time that was set is kept, and other topics are not listed', async () => {
    const { lists, sleeps } = await watched([[], ['another'], [orders]], 100)
    assert.deepEqual(lists, [[], [orders]])
    assert.deepEqual(sleeps, [100, 100, 100])
  })
})
