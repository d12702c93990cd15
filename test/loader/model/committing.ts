/**
 * Each commit that is applied is checked against the log, so one that passes an unresolved record, or carries a
 * watermark that is ahead of the table, is found at the moment that it is made. What the log has lost must be named in
 * the commit.
 */
import assert from 'node:assert/strict'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import type { PartitionCommit } from '../../../services/loader/commit/commit-batch.ts'
import { isGone, isResolved } from './log.ts'
import { type Entry, placeOf, type World } from './world.ts'

/** What the group takes as committed, after the check that nothing unresolved lies before it. */
export function applyCommit(world: World, commits: readonly PartitionCommit[]): void {
  for (const { topic, partition, offset, metadata } of commits) {
    const place = placeOf(topic, partition)
    const before = world.committed.get(place)
    assert.ok(before === undefined || before.offset <= offset, `${place}: committed ${offset} after ${before?.offset}`)
    assert.ok(offset <= (world.ends.get(place) as number), `${place}: committed ${offset}, behind the log's end`)
    const commit = parseCommit(offset, metadata)
    const lost = commit?.lost
    const passed =
      before === undefined || parseCommit(before.offset, before.metadata)?.lost !== undefined ? 0 : before.offset
    assert.ok(
      lost === undefined || lost.below > passed,
      `${place}: committed ${offset}, with a loss below ${passed}, where there was none`,
    )
    let watermark: string | null = null
    let open = 0
    let unresolved: string | null = null
    for (const entry of world.logs.get(place) as Entry[]) {
      const at = Number(entry.message.offset)
      if (at >= offset) break
      open += 1
      if (entry.kind === 'marker') {
        watermark = entry.watermark ?? watermark
        open = 0
        const claimed = commit?.watermark != null && entry.watermark === commit.watermark
        assert.ok(
          !claimed || unresolved === null,
          `${place}: the watermark at ${offset} is that of ${at}, and ${unresolved} is not there`,
        )
      } else if (!isResolved(world, place, entry)) {
        unresolved = `${place}/${at} (${entry.kind})`
        const said = isGone(world, place, entry) && lost !== undefined && lost.from <= at && at < lost.below
        assert.ok(said, `${place}: committed ${offset}, and ${unresolved} is in neither table nor dead letters`)
      }
    }
    // Where the log has lost something, nobody knows how much of a page is left, and watermarks wait.
    if (world.lows.get(place) === 0) {
      assert.equal(commit?.watermark, watermark, `${place}: the watermark of the commit at ${offset}`)
      assert.equal(commit?.open, open, `${place}: records counted since the last marker at ${offset}`)
    }
    world.committed.set(place, { offset, metadata })
    world.commits += 1
  }
}
