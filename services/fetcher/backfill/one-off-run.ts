/**
 * What a command does once with all partitions of its streams instead of their regular runs: publishing everything
 * again, or a range.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Log } from '#shared/log.ts'
import type { Names } from '#shared/names.ts'
import { type BackfillRange, rangeId, rangeOf } from '../watermark/backfill-range.ts'
import type { WorkerTools } from '../worker.ts'
import { interleaveBackfill } from './interleave.ts'

export type OneOffRunOptions = {
  streams: readonly Stream[]
  /** Publishes everything again, from the stream's start. */
  full?: boolean
  /** With `full`: this one walk may delete more than the bounds of `deletes`. */
  allowDeletes?: boolean
  /** Only records in the range, beside the regular runs. `again`: even if it was done before. */
  range?: BackfillRange & { again: boolean }
  clock: Clock
  log: Log
}

/** `work`: what is done with the stream's partitions, for those who inspect the group. */
export type OnceForAll = Required<Pick<WorkerTools, 'job' | 'partitions'>> & { work(stream: Stream): string }

/** Null: nothing special. `isServed`: whether a fetcher runs that owned the partitions before. Throws WrongUse. */
export function oneOffRunOf(
  { full, allowDeletes, range, streams, clock, log }: OneOffRunOptions,
  names: Names,
  isServed: () => Promise<boolean>,
): OnceForAll | null {
  const partitions = streams.reduce((sum, stream) => sum + stream.partitions.length, 0)
  if (full === true) {
    const walk = allowDeletes === true ? 'full-allowing-deletes' : 'full'
    return { partitions, work: () => 'full', job: (_, partition, stop) => partition.run(stop, walk) }
  }
  if (range === undefined) return null
  const ranges = new Map(streams.map((stream) => [stream, rangeOf(stream, range, clock.nowMs())]))
  const ownRange = (stream: Stream): BackfillRange => {
    const own = ranges.get(stream)
    if (own === undefined) throw new RangeError(`${stream.label} has no range`)
    return own
  }
  return {
    partitions,
    work: (stream) => names.backfillGroup(rangeId(ownRange(stream))),
    async job({ stream, partition: number }, partition, stop) {
      const own = ownRange(stream)
      const outcome = await interleaveBackfill({
        stream,
        partition,
        job: { range: own, again: range.again },
        stop,
        clock,
        isServed,
      })
      if (outcome.already)
        log.info({ stream: stream.label, partition: number, ...own }, 'this range has been backfilled before')
      return outcome
    },
  }
}
