/**
 * One assignment, from its start to its end: its generation, how far each partition was read, and the two signals that
 * end work on it.
 */

import type { Clock } from '#shared/clock.ts'
import type { PartitionState } from '../batch/batch.ts'
import type { RetryPolicy } from '../failures/retry.ts'
import type { Stalls } from '../failures/stalls.ts'

export type Assigned = {
  generation: number
  topics: readonly string[]
  /** By `topic/partition`. */
  states: Map<string, PartitionState>
  /** Topics whose committed metadata says that rows were confirmed. */
  loadedBefore: ReadonlySet<string>
  /** Topics with an abandoned batch: nothing after it may be committed in this assignment. */
  givenUp: Set<string>
  /** A rebalance or a stop has begun: nothing more is read, and work in progress is finished without further waits. */
  ending: AbortController
  /** Another member owns the partitions, or they are read again: no result of this assignment counts any more. */
  over: AbortController
}

export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`

export function retryPolicyOf({ ending, over }: Assigned, topic: string, clock: Clock, stalls: Stalls): RetryPolicy {
  return { clock, stalls, topic, over: over.signal, stopping: ending.signal }
}
