/**
 * A list of partitions that changes under a running pipeline, end to end: regions come, go and move to another
 * partition, while the loader runs, is killed in the middle of it, or was down. At every time what a watermark says is
 * confirmed is in the table, and in the end nothing is lost.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Commit } from '#shared/progress/offset-metadata.ts'
import { shareId } from '#shared/progress/partition-scopes.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Running } from '../support/processes.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 240_000
/**
 * Regions that stay, move to another partition, go, come and come back. With one partition more only where the loader
 * starts again: one that runs sees it within a minute.
 */
const layoutsOf = (more: readonly string[]): string[][] => [
  ['eu', 'us', 'br'],
  ['eu', 'asia', 'us', ...more],
  ['br', 'us'],
  ['asia', 'br', 'eu', ...more],
]
const MORE = ['ca']
const REGIONS = [...new Set(layoutsOf(MORE).flat())]
const RECORDS = 120
const WALK = { records: RECORDS, badEvery: 13, paceMs: 30, stream: "every: '300ms'," }
const partitionsOf = (layout: readonly string[]) => JSON.stringify(layout.map((region) => ({ region })))

const killed = async (running: Running): Promise<void> => {
  running.kill('SIGKILL')
  await running.exit
}

describe('a list of partitions that changes in the middle of its walks', { concurrency: 3 }, () => {
  for (const [name, more] of [
    ['runs through it', []],
    ['is killed and starts again', MORE],
  ] as const) {
    const restarts = more === MORE
    test(`loses nothing, and no watermark runs ahead, when the loader ${name}`, { timeout: TEST_MS_MAX }, async (t) => {
      const layouts = layoutsOf(more)
      const p = await pipeline(t, {
        ...WALK,
        regions: [...new Set(layouts.flat())],
        partitions: partitionsOf(layouts[0] ?? []),
      })
      let loader = p.loader()
      let fetcher = p.fetcher()
      await until('the loader has confirmed a part', async () =>
        (await p.commits()).some((commit) => commit?.watermark != null),
      )
      for (const [change, layout] of layouts.slice(1).entries()) {
        // The one that is killed leaves its walks where they are.
        if (change === 0) await killed(fetcher)
        else assert.deepEqual(await fetcher.stop(), { status: 0, signal: null })
        // Down before the first page by the new list, or in the middle of them.
        if (restarts && change === 1) await killed(loader)
        await assertHonest(p)
        const old = new Set((await p.markers()).map(({ run }) => run))
        await p.declare({ partitions: partitionsOf(layout) })
        fetcher = p.fetcher()
        await until(
          'pages by the new list are in the topic',
          async () => (await p.markers()).filter(({ run }) => !old.has(run)).length > 3,
        )
        if (restarts && change !== 1) await killed(loader)
        await assertHonest(p)
        if (restarts) loader = p.loader()
        for (const region of layout) p.api.put(walkRecord(region, RECORDS + change))
        const isOf = (commit: Commit | null, at: number) =>
          layout[at] === undefined || (commit?.watermark != null && SHARES.get(commit.share ?? '') === layout[at])
        await honestUntil(p, async () => (await hasAll(p, layout)) && (await p.commits()).every(isOf))
      }

      for (const service of [fetcher, loader]) assert.deepEqual(await service.stop(), { status: 0, signal: null })
      await p.loadAll()
      await p.assertComplete()
      await p.assertLedger()
      await assertHonest(p)
    })
  }
})

/** Looks again and again whether the watermarks are honest until the condition holds. */
async function honestUntil(p: Pipeline, condition: () => Promise<boolean>): Promise<void> {
  await until('everything is in the table', async () => {
    await assertHonest(p)
    return condition()
  })
}

async function hasAll(p: Pipeline, regions: readonly string[]): Promise<boolean> {
  const ids = new Set((await p.rows()).map(({ id }) => id))
  return p.api.valid().every(({ id, region }) => !regions.includes(region) || ids.has(id))
}

/** What each region's share is called in commits. */
const SHARES = new Map(REGIONS.map((region) => [shareId(JSON.stringify({ region })), region]))

async function assertHonest(p: Pipeline): Promise<void> {
  await p.assertWatermarksHonest((region, partition, { share = '' }) => {
    assert.ok(SHARES.has(share), `the commit of partition ${partition} names what its watermark speaks of`)
    return SHARES.get(share) === region
  })
}
