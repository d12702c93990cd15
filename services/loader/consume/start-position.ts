/**
 * What is known of each partition at the start of an assignment and after a gap. It starts from the group's commit,
 * which is trusted only if its metadata contains its own offset. So a reset by any tool starts from a clean state, with
 * no watermark and no open page.
 */

import type { Committed, OffsetGap } from '#shared/kafka/kafka.ts'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import type { PartitionState } from '../batch/batch.ts'

export const LOG_START = 0

/** Null committed: reading starts at the low end of the log, where only offset 0 is known to open a page. */
export function startingState(committed: Committed | null, low: number): PartitionState {
  if (committed === null || committed.offset < 0) return { ...freshState(low), rowless: true }
  const commit = parseCommit(committed.offset, committed.metadata)
  if (commit === null) return freshState(committed.offset)
  const {
    offset: nextOffset,
    watermark,
    share,
    open = null,
    lost = null,
    rowless,
    wholeFrom = nextOffset,
    deletes,
    doubted,
  } = commit
  return { nextOffset, watermark, scope: share, open, lost, rowless, wholeFrom, deletes, doubted }
}

function freshState(offset: number): PartitionState {
  return { nextOffset: offset, watermark: null, open: offset === LOG_START ? 0 : null, lost: null, wholeFrom: offset }
}

/**
 * Whether the group's metadata says that rows of this partition were confirmed. A partition that only had dead letters
 * never had a table.
 */
export function wasLoaded(committed: Committed | null): boolean {
  const commit = committed === null || committed.offset <= 0 ? null : parseCommit(committed.offset, committed.metadata)
  return commit !== null && commit.rowless !== true
}

/**
 * Reading continues at the low end, where it is unknown how much of the open page is lost. The watermark stays until
 * the lost records were fetched again from the API. A recreated log has lost nothing that can be named: the fetcher
 * sees by its own checkpoint that it has to fetch again.
 */
export function afterGap(
  state: PartitionState,
  { position, low, high }: Pick<OffsetGap, 'position' | 'low' | 'high'>,
): PartitionState {
  const from = state.lost?.from ?? position
  return {
    ...state,
    nextOffset: low,
    wholeFrom: low,
    open: low === LOG_START ? 0 : null,
    lost: position > high ? null : { from, below: low },
  }
}
