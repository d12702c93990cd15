/** A whole pipeline among the faults: an API to which records come on, a fetcher and a loader of its own as processes. */
import assert from 'node:assert/strict'
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
      return JSON.stringify({ ranges, commits, checkpoints, owners, loaders, visits: p.api.visits.slice(-VISITS_SHOWN) })
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
