/** What requests, envelopes and functions see as the values of a partition or slice: its own, and its `extra`. */
import type { PartitionValues, Stream } from './compile.ts'

export function valuesFor(
  { partitions, extra }: Pick<Stream, 'partitions' | 'extra'>,
  partition: number,
): PartitionValues {
  const own = partitions[partition] ?? {}
  return extra === undefined ? own : { ...extra, ...own }
}
