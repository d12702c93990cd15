/**
 * A whole pipeline among the faults: an API to which records come on, a fetcher and a loader of its own as processes.
 */
import assert from 'node:assert/strict'
import { FRAME_HEAD_BYTES } from '#shared/messages/frame.ts'
import { type Pipeline, pipeline } from '../../support/pipeline.ts'
import type { Closes } from '../../support/processes.ts'
import type { OwnStack } from '../../support/stack.ts'
import { walkRecord } from '../../support/walk-api.ts'

export type Walk = {
  pipeline: Pipeline
  /** One more record in each region. */
  bring(): void
  /** Where its log, its commits and its walk are, for a verdict that is wrong. */
  state(): Promise<string>
  /** When nothing runs any more. */
  judge(): Promise<void>
}

const REGIONS = ['eu', 'us']
const RECORDS = 90
const BAD_EVERY = 17
const VISITS_SHOWN = 6

export async function openWalk(closes: Closes, stack: OwnStack, env: Record<string, string>): Promise<Walk> {
  const p = await pipeline(closes, {
    regions: REGIONS,
    records: RECORDS,
    badEvery: BAD_EVERY,
    paceMs: 20,
    stream: "every: '300ms',",
    stack,
    env,
  })
  let number = RECORDS
  return {
    pipeline: p,
    bring() {
      number += 1
      for (const region of REGIONS) p.api.put(walkRecord(region, number, number % BAD_EVERY === 0 ? 'many' : number))
    },
    async state() {
      const [ranges, commits, checkpoints, owners, loaders] = await Promise.all([
        ...[p.kafka.logRanges(p.topic), p.commits(), p.checkpoints()],
        ...[p.kafka.members(p.names.fetcherGroup), p.kafka.members(p.names.loaderGroup)],
      ])
      const visits = p.api.visits.slice(-VISITS_SHOWN)
      return JSON.stringify({ missing: await missing(p), ranges, commits, checkpoints, owners, loaders, visits })
    },
    async judge() {
      await p.assertComplete()
      await p.assertWatermarksHonest()
      await p.assertAskedOnce()
      await p.loadAll()
      await p.assertLedger()
      const { status, stdout } = await p.run('verify', 'shop.orders')
      assert.equal(status, 0, stdout)
    },
  }
}

/**
 * What the API has and the table does not show: its places in the topic, and what the table has of it without FINAL.
 */
async function missing(p: Pipeline): Promise<unknown> {
  const shown = new Set((await p.rows()).map(({ id }) => id))
  const ids = p.api.valid().flatMap(({ id }) => (shown.has(id) ? [] : [id]))
  if (ids.length === 0) return []
  const messages = await p.messages(p.topic)
  const places = messages.flatMap(({ offset, value, timestamp }) => {
    const id = value === null ? '' : JSON.parse(value.subarray(FRAME_HEAD_BYTES).toString()).id
    return ids.includes(id) ? [{ id, offset, timestamp }] : []
  })
  const list = ids.map((id) => `'${id}'`).join(', ')
  return {
    ids,
    places,
    rows: await p.query(
      `SELECT id, _partition, _offset, toString(_version) AS version, _deleted FROM {db}.shop_orders WHERE id IN (${list})`,
    ),
  }
}
