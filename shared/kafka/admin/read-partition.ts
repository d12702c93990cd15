/** A bounded read of one partition outside any group: committed records only, in order, of what the log still has. */

import { FetchedBatch } from '../kafkajs-patches/fetched-batch.ts'
import type { LogRange, RawMessage } from '../port.ts'
import { type Cluster, READ_COMMITTED } from './cluster.ts'
import { leadersOf } from './topics.ts'

const FETCH_BYTES = 1_048_576
const FETCH_WAIT_MS = 100
/** This many empty fetches in a row end the read: the records have been removed meanwhile. */
const EMPTY_FETCHES_MAX = 3

export async function* readPartition(
  cluster: Cluster,
  range: LogRange,
  topic: string,
  partition: number,
  from: number,
  toExclusive: number,
): AsyncGenerator<RawMessage> {
  const end = Math.min(toExclusive, range.high)
  let position = Math.max(from, range.low)
  for (let empty = 0; position < end && empty < EMPTY_FETCHES_MAX; ) {
    const batch = await fetchOnce(cluster, topic, partition, position)
    if (batch === null || (batch.isEmpty() && !batch.isEmptyDueToFiltering())) {
      empty++
      continue
    }
    empty = 0
    for (const message of batch.messages) {
      if (Number(message.offset) >= end) return
      yield message
    }
    position = Number(batch.lastOffset()) + 1
  }
}

function fetchOnce(cluster: Cluster, topic: string, partition: number, position: number) {
  return cluster.ask(`reading ${topic}/${partition} from ${position}`, async () => {
    const leader = (await leadersOf(cluster, topic))[partition]
    if (leader === undefined) return null
    const broker = await cluster.broker(leader)
    const fetchOffset = String(position)
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes: FETCH_BYTES }] }],
    })
    const data = responses[0]?.partitions[0]
    return data === undefined ? null : new FetchedBatch(topic, fetchOffset, data)
  })
}
