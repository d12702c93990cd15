/**
 * One assignment, from being given to being taken: which generation, how far each partition was read, and the two
 * signals that end work on it.
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
  /** Topics of which the group's metadata says that rows were confirmed. */
  loadedBefore: ReadonlySet<string>
  /** Topics of which a batch was given up: nothing behind it may be committed in this assignment. */
  givenUp: Set<string>
  /** A rebalance or a stop has begun: nothing more is taken, what is in hand is finished without further waits. */
  ending: AbortController
  /** The partitions are another member's, or were read again: nothing of it counts any more. */
  over: AbortController
}

export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`

export function retryPolicyOf({ ending, over }: Assigned, topic: string, clock: Clock, stalls: Stalls): RetryPolicy {
  return { clock, stalls, topic, over: over.signal, stopping: ending.signal }
}
