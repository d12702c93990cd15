/**
 * Discovered slices: their partition, the order in which they are walked, and how a checkpoint remembers which of them
 * were walked from their start. All of it follows from the text of the values alone, so it is the same in every
 * process. Pure.
 */
import { hash } from 'node:crypto'
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { KNOWN_CHARS } from '#shared/progress/offset-metadata.ts'
import { cutText } from '#shared/shown.ts'
import type { RequestCosts } from '../http/request-costs.ts'
import type { FoundParents } from '../resume/parent-progress.ts'
import type { Stop } from '../schedule/stop-signal.ts'

/**
 * `text`: the values as JSON, sorted by name; it identifies the slice. `extra`: what else its parent's record says.
 * `changed`: see `FoundValues`.
 */
export type Slice = { text: string; values: PartitionValues; extra?: PartitionValues; changed?: boolean }

/**
 * Slices by partition, in the order in which they are walked. `cost`: of the requests; nothing for a caller that gets
 * the result of another one's requests. `parents`: where a parent is read incrementally.
 */
export type FoundSlices = {
  slices: readonly (readonly Slice[])[]
  cost: RequestCosts
  parents?: FoundParents | undefined
}
/** `since`: the position from which an incremental parent is read; null for all of its records. */
export type Discovery = { find(stop: Stop, since?: string | null): Promise<FoundSlices> }

/** As many as fit into a checkpoint beside a cursor, at eight characters each. */
export const SLICES_PER_PARTITION_MAX = 300
/** Limit of a slice's text, which is a part of the cursor. */
export const SLICE_BYTES_MAX = 512
const HASHED = 0x1_0000_0000

/** Throws Stopped for values that do not fit into a checkpoint. */
export function sliceOf(
  stream: Stream,
  values: PartitionValues,
  { extra, changed }: Pick<Slice, 'extra' | 'changed'> = {},
): Slice {
  const text = JSON.stringify(Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))))
  if (Buffer.byteLength(text) <= SLICE_BYTES_MAX)
    return { text, values, ...(extra === undefined ? {} : { extra }), ...(changed === undefined ? {} : { changed }) }
  throw new Stopped(
    'HR_SHARE',
    `${stream.label}: the values ${cutText(text, 80)} are longer than ${SLICE_BYTES_MAX} bytes`,
    {
      hint: 'let values name less: an id is enough',
    },
  )
}

/** A stable hash assigns the slices, so a slice keeps its partition when others come or go. */
export const partitionOf = ({ text }: Slice, partitions: number): number =>
  Math.floor((Number.parseInt(hash('sha256', text).slice(0, 8), 16) / HASHED) * partitions)

/**
 * Slices by partition, each list in the order of the texts; a duplicate counts once. Throws Stopped if a partition has
 * too many.
 */
export function spread(stream: Stream, slices: readonly Slice[]): Slice[][] {
  const spreaded: Slice[][] = stream.partitions.map(() => [])
  const once = new Map<string, Slice>()
  for (const slice of slices) once.set(slice.text, merged(once.get(slice.text), slice))
  for (const slice of [...once.values()].sort((a, b) => (a.text < b.text ? -1 : 1))) {
    spreaded[partitionOf(slice, stream.partitions.length)]?.push(slice)
  }
  const most = Math.max(...spreaded.map(({ length }) => length))
  if (most <= SLICES_PER_PARTITION_MAX) return spreaded
  throw new Stopped(
    'HR_SHARES_MAX',
    `${stream.label}: a partition has ${most} slices, more than ${SLICES_PER_PARTITION_MAX}`,
    {
      hint: `raise over in partitions: ${stream.partitions.length} partitions for ${once.size} slices are too few`,
    },
  )
}

/** It has changed if one of its parents has, or if it is declared. */
const merged = (before: Slice | undefined, slice: Slice): Slice =>
  before !== undefined && before.changed !== false && slice.changed === false ? { ...slice, changed: true } : slice

/** The stream as a slice of a partition sees it: that partition has its values. */
export const streamOfSlice = (
  stream: Stream,
  partition: number,
  { values, extra }: Pick<Slice, 'values' | 'extra'>,
): Stream => ({
  ...stream,
  partitions: stream.partitions.with(partition, values),
  ...(extra === undefined ? {} : { extra }),
})

/** Slices that have been walked from their start. */
export type KnownSlices = Set<string>

export const knownId = ({ text }: Slice): string => hash('sha256', text, 'base64').slice(0, KNOWN_CHARS)
export const knownText = (known: KnownSlices): string => [...known].sort().join('')
export const knownOf = (text: string): KnownSlices =>
  new Set(
    Array.from({ length: Math.floor(text.length / KNOWN_CHARS) }, (_, at) =>
      text.slice(at * KNOWN_CHARS, (at + 1) * KNOWN_CHARS),
    ),
  )
