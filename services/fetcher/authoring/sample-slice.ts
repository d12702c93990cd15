/**
 * Of partitions with discovered slices, one slice is enough for a look by hand. It is the first slice of the wanted
 * partition, or of the first partition that has any.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { exportJobOf } from '#shared/declaration/paginate/paginate.ts'
import { Stopped } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import type { Send } from '../http/messages.ts'
import { createDiscovery } from '../slices/discovery.ts'
import { type FoundSlices, streamOfSlice } from '../slices/slice.ts'

export type SampleSlice = {
  /** As that slice sees it. */
  stream: Stream
  /** The same with the slice in partition 0. */
  asFirst: Stream
  partition: number
  /** Its values as JSON; null if a partition is one slice. */
  slice: string | null
  /** All slices that were discovered; null if none is. */
  found: FoundShown | null
}

/** `first`: the values of the first slices as JSON, in the order of the partitions. */
export type FoundShown = { slices: number; partitions: number; first: { partition: number; values: string }[] }
export const SLICES_SHOWN_MAX = 100

/**
 * Requests that discovery may take, besides the pages. As many as the pages of a generator, which may request each
 * record, and as the status of a job.
 */
const FINDING_REQUESTS_MAX = 500

/** Requests of the author's own functions. */
export const ownRequestsMax = ({ discovery, paginate }: Stream): number =>
  (discovery === null ? 0 : FINDING_REQUESTS_MAX) +
  (paginate.kind === 'generator' || exportJobOf(paginate) !== null ? FINDING_REQUESTS_MAX : 0)

type Tools = { baseUrl: string; send: Send; clock: Clock; log: Log; signal: AbortSignal }

/** Throws Stopped (HR_NO_SHARES) if there is none, and what the discovery throws. */
export async function sampleSlice(stream: Stream, wanted: number, { signal, ...tools }: Tools): Promise<SampleSlice> {
  if (stream.discovery === null) return { stream, asFirst: stream, partition: wanted, slice: null, found: null }
  const { slices } = await createDiscovery({ stream, ...tools }).find({ soft: signal, hard: signal })
  const partition = (slices[wanted]?.length ?? 0) > 0 ? wanted : slices.findIndex((own) => own.length > 0)
  const [slice] = slices[partition] ?? []
  if (slice !== undefined) {
    return {
      stream: streamOfSlice(stream, partition, slice),
      asFirst: streamOfSlice(stream, 0, slice),
      partition,
      slice: slice.text,
      found: shownOf(slices),
    }
  }
  throw new Stopped('HR_NO_SHARES', `${stream.label}: discovery returned no values for its partitions`, {
    hint: 'check values of partitions in the declaration',
  })
}

function shownOf(slices: FoundSlices['slices']): FoundShown {
  const all = slices.flatMap((own, partition) => own.map(({ text }) => ({ partition, values: text })))
  return { slices: all.length, partitions: slices.length, first: all.slice(0, SLICES_SHOWN_MAX) }
}

/** What `check` says about the slices. */
export const sliceNotes = ({ slice, found }: SampleSlice): string[] =>
  found === null ? [] : [`${found.slices} slices found for ${found.partitions} partitions; this is ${slice}`]
