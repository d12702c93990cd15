/**
 * The backfills of a stream that Kafka still knows. The checkpoints of a backfill's own group give its progress in each
 * partition; a fetcher's claim shows who runs it now. One that has published nothing yet is known by its claim alone.
 */

import type { Committed, Kafka, LogRange, MemberState } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { parseCheckpoint, type RunTotals } from '#shared/progress/offset-metadata.ts'
import { resume } from '#shared/progress/resume.ts'
import { isStillSkipped, parseSkip, type Skip } from '#shared/progress/skip.ts'

export type SkipStatus = { run: string; page: number; status: number; at: string }

export type BackfillPart = {
  partition: number
  run: string
  startedAt: string
  pages: number
  done: boolean
  /** How far its walk has certainly come; null before that is known. */
  reached: string | null
  /** Totals of its run; null if there was no room for them. */
  totals: RunTotals | null
  /**
   * Some of its published records were deleted from the log before they were loaded. The same command fetches the range
   * again.
   */
  lost: boolean
  skipped: SkipStatus | null
}
export type BackfillStatus = {
  /** The end of its group's name. */
  id: string
  /** `[from, to)`; null before its first page. */
  range: { from: string; to: string } | null
  /** The partitions that it has published to. */
  partitions: BackfillPart[]
  /** The member that holds the partitions for it; null if no member does it now. */
  owner: string | null
  /** Members that want to do it and wait for an earlier claim. */
  waiting: string[]
}

type Stream = { topic: string; logs: readonly LogRange[]; loaded: readonly (Committed | null)[] }

/** `groups`: of all backfills. */
export async function backfillsOf(
  kafka: Kafka,
  names: Names,
  { topic, logs, loaded }: Stream,
  groups: readonly string[],
  fetchers: readonly MemberState[],
): Promise<BackfillStatus[]> {
  const claimed = fetchers
    .flatMap(({ work }) => work?.[topic] ?? [])
    .filter((group) => group.startsWith(names.backfillGroups))
  const all = [...new Set([...groups, ...claimed])].sort()
  const found = await Promise.all(
    all.map(async (group): Promise<BackfillStatus> => {
      const [published, skips] = await Promise.all([
        kafka.committed(group, topic),
        kafka.committed(names.skippedGroup(group), topic),
      ])
      const partitions = logs.flatMap((log, partition) => {
        const facts = { log, published: published[partition] ?? null, loaded: loaded[partition] ?? null }
        return partOf(partition, facts, parseSkip(skips[partition]?.metadata ?? ''))
      })
      const range = published.flatMap((each) => parseCheckpoint(each?.metadata ?? '')?.range ?? [])[0] ?? null
      return {
        id: group.slice(names.backfillGroups.length),
        range,
        partitions,
        ...doersOf(fetchers, topic, group),
      }
    }),
  )
  return found.filter(({ partitions, owner, waiting }) => partitions.length > 0 || owner !== null || waiting.length > 0)
}

type Facts = { log: LogRange; published: Committed | null; loaded: Committed | null }

function partOf(partition: number, facts: Facts, skip: Skip | null): BackfillPart[] {
  const checkpoint = parseCheckpoint(facts.published?.metadata ?? '')
  if (checkpoint === null) return []
  const next = resume(facts)
  return [
    {
      ...{
        partition,
        run: checkpoint.run,
        startedAt: new Date(checkpoint.startedMs).toISOString(),
        pages: checkpoint.page,
      },
      ...{ done: checkpoint.done, reached: checkpoint.watermark, totals: checkpoint.totals ?? null },
      lost: next.kind === 'start' && next.gap !== null,
      skipped: skipStatus(skip, facts.published),
    },
  ]
}

/** Null once the page was published. */
export function skipStatus(skip: Skip | null, published: Committed | null): SkipStatus | null {
  if (skip === null || !isStillSkipped(skip, parseCheckpoint(published?.metadata ?? ''))) return null
  return { run: skip.run, page: skip.page, status: skip.status, at: new Date(skip.atMs).toISOString() }
}

function doersOf(
  fetchers: readonly MemberState[],
  topic: string,
  group: string,
): Pick<BackfillStatus, 'owner' | 'waiting'> {
  const doers = fetchers.filter(({ work }) => work?.[topic] === group)
  const owns = ({ partitions }: MemberState) =>
    partitions.some((each) => each.topic === topic && each.partitions.length > 0)
  return {
    owner: doers.find(owns)?.memberId ?? null,
    waiting: doers.filter((doer) => !owns(doer)).map(({ memberId }) => memberId),
  }
}
