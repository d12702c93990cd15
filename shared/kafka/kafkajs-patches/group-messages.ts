/**
 * Groups the messages of a send by partition. The package copies the group for every message, which is quadratic. It
 * also drops a message for a partition that its metadata does not know yet (the topic has grown), while the send
 * resolves. Here grouping is linear and every message names its partition. An unknown partition is the error that makes
 * the package refresh its metadata and retry.
 */
import { internal, replaceInternal } from './internals.ts'

type Grouping = { topic: string; partitionMetadata: { partitionId: number }[]; messages: { partition?: number }[] }

export function patchGroupMessages(): void {
  const { KafkaJSMetadataNotLoaded } = internal<{ KafkaJSMetadataNotLoaded: new (message: string) => Error }>(
    'errors.js',
  )

  replaceInternal('producer/groupMessagesPerPartition.js', ({ topic, partitionMetadata, messages }: Grouping) => {
    const known = new Set(partitionMetadata.map(({ partitionId }) => partitionId))
    const groups: Record<number, Grouping['messages']> = {}
    for (const message of messages) {
      const partition = message.partition ?? -1
      if (!known.has(partition))
        throw new KafkaJSMetadataNotLoaded(`partition ${partition} of ${topic} is not known yet`)
      const group = groups[partition]
      if (group === undefined) groups[partition] = [message]
      else group.push(message)
    }
    return groups
  })
}
