/**
 * Which of the discovered slices a run of a partition walks, and from where. Without an incremental parent, that is all
 * of them. With one, it is those whose parent has changed, and those that were never walked from their start.
 */
import { incrementalParent } from '#shared/declaration/discovery-parts.ts'
import type { Log } from '#shared/log.ts'
import { type RequestCosts, sumOfCosts } from '../http/request-costs.ts'
import type { Walk } from '../pages/page.ts'
import {
  type PageParents,
  type ParentPlan,
  type ParentProgress,
  parentRunOf,
  planParents,
} from '../resume/parent-progress.ts'
import { discoveryId } from './discovery-id.ts'
import {
  type Discovery,
  type FoundSlices,
  type KnownSlices,
  knownId,
  knownOf,
  SLICES_PER_PARTITION_MAX,
  type Slice,
} from './slice.ts'

export type StoredSlices = {
  /** Slices that a finished walk has read from their start; undefined if unknown. */
  known: string | undefined
  parents?: ParentProgress | undefined
  /** A run that publishes everything from the stream's start. */
  isFull?: boolean
}
export type ChosenSlices = {
  own: readonly Slice[]
  known: KnownSlices
  cost: RequestCosts
  /** Of a parent that is read incrementally; null without one. */
  parents: PageParents | null
  /** The watermark from which a slice is walked. */
  fromOf(slice: Slice): string | null
}

export async function chooseSlices(
  walk: Walk,
  stored: StoredSlices,
  { discovery, log }: { discovery: Discovery; log: Log },
): Promise<ChosenSlices> {
  const plan = planOf(walk, stored)
  const before = knownOf(stored.known ?? '')
  const { found, isFull } = await foundFor(walk, plan, before, discovery)
  const all = found.slices[walk.partition] ?? []
  const own = isFull ? all : all.filter((slice) => slice.changed !== false || !before.has(knownId(slice)))
  // Forgets slices that are no longer discovered: if one comes back, it is read from its start.
  const known = isFull ? new Set(all.map(knownId).filter((id) => before.has(id))) : before
  const isRange = walk.to !== undefined && walk.to !== null
  if (stored.known === undefined && walk.from !== null && !isRange)
    log.warn('unknown which slices were read before; reading all of them from their start')
  // What a run of changed parents has missed lies behind the watermark that the last full walk has reached.
  const whole = plan?.isFull === true && stored.isFull !== true ? plan.base.whole : undefined
  // Null: that walk has found no record.
  const knownFrom = whole === undefined ? walk.from : whole
  return {
    ...{ own, known, cost: found.cost },
    parents: plan === null ? null : { base: plan.base, run: parentRunOf(plan, foundParents(found, walk)) },
    // A backfill reads the same range of all slices.
    fromOf: (slice) => (isRange ? walk.from : known.has(knownId(slice)) ? knownFrom : null),
  }
}

/** Null without an incremental parent, and for a backfill, which says nothing about the regular runs. */
function planOf({ stream, to, startedMs, cursor }: Walk, { parents, isFull }: StoredSlices): ParentPlan | null {
  const incremental = incrementalParent(stream.discovery)
  if (incremental === null || (to !== undefined && to !== null)) return null
  return planParents({ id: discoveryId(stream), fullEvery: incremental.fullEvery }, parents, {
    ...{ startedMs, isForced: isFull === true, isResumed: cursor !== null },
  })
}

/** Reads all parents where the slices of changed ones, and those known before, would be too many to remember. */
async function foundFor(
  { partition, stop }: Walk,
  plan: ParentPlan | null,
  known: KnownSlices,
  discovery: Discovery,
): Promise<{ found: FoundSlices; isFull: boolean }> {
  const found = await discovery.find(stop, plan?.since)
  if (plan === null || plan.isFull) return { found, isFull: true }
  const together = new Set([...known, ...(found.slices[partition] ?? []).map(knownId)])
  if (together.size <= SLICES_PER_PARTITION_MAX) return { found, isFull: false }
  const all = await discovery.find(stop, null)
  return { found: { ...all, cost: sumOfCosts(found.cost, all.cost), parents: found.parents }, isFull: true }
}

const foundParents = ({ parents }: FoundSlices, { startedMs }: Walk) => parents ?? { reached: null, startedMs }
