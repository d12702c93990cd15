/** What the fetcher is measured on: plain records, all as declared, and records as APIs have them. */
import type { Stream } from '#shared/declaration/compile.ts'
import { benchStream, createPageWriter } from './events.ts'
import { PAGE_RECORDS, type PageWriter } from './pages.ts'
import { REALISTIC_SHARES, REALISTIC_STREAMS, realisticStream, realisticWriter } from './realistic.ts'

export const WALK_SETS = ['plain', 'realistic'] as const
export type WalkSet = (typeof WALK_SETS)[number]

/** A list of the API. `share`: of the records of its set. */
export type WalkList = { name: string; share: number; stream(partitions: number): Stream; writer(): PageWriter }

export const WALK_LISTS: Readonly<Record<WalkSet, readonly WalkList[]>> = {
  plain: [
    { name: 'events', share: 1, stream: (partitions) => benchStream('events', partitions), writer: createPageWriter },
  ],
  realistic: REALISTIC_STREAMS.map((name) => ({
    name,
    share: REALISTIC_SHARES[name],
    stream: (partitions) => realisticStream(name, partitions),
    writer: () => realisticWriter(name),
  })),
}

/** Of each partition of a list. All pages are full, so a set has at least the records that were asked for. */
export const pagesOfPartition = (
  { share }: Pick<WalkList, 'share'>,
  recordsInAll: number,
  partitions: number,
): number => Math.ceil((recordsInAll * share) / PAGE_RECORDS / partitions)
