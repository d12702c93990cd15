/**
 * What must stand before a stream's first record: its schema in the registry and its two topics. Repeating it changes nothing.
 */
import type { Config } from '../../shared/config.ts'
import type { Stream } from '../../shared/declaration.ts'
import type { Kafka } from '../../shared/kafka.ts'
import type { Log } from '../../shared/log.ts'
import type { Registry } from '../../shared/registry.ts'
import type { Names } from '../../shared/topics.ts'

export type Prepared = { stream: Stream; topic: string; schemaId: number }

/** A record of RECORD_BYTES_MAX and its batch must fit; the broker's default of 1 MiB would refuse large ones. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024

/** Throws Stopped (HR_SCHEMA_REFUSED) with the differences when the declared schema breaks the registered one. */
export async function prepareStream(
  stream: Stream,
  tools: { kafka: Kafka; registry: Registry; names: Names; config: Config; log: Log },
): Promise<Prepared> {
  const { kafka, registry, names, log } = tools
  const topic = names.records({ source: stream.source.name, stream: stream.name })
  const isKnown = (await registry.latest(names.subject(topic))) !== null
  const { id, changes } = await registry.register(names.subject(topic), stream.wireSchema)
  for (const change of changes) log.info({ stream: stream.label, path: change.path, change: change.change }, 'schema change registered')
  const { retentionMs, replicationFactor } = tools.config.kafka
  const settings = { 'retention.ms': String(retentionMs), 'max.message.bytes': String(MESSAGE_BYTES_MAX), 'cleanup.policy': 'delete' }
  const spec = { partitions: stream.partitions.length, replicationFactor, config: settings }
  const topicIs = await kafka.ensureTopic({ ...spec, topic })
  // With a topic, Kafka drops what its groups have committed.
  if (topicIs === 'created' && isKnown)
    log.warn(
      { stream: stream.label, topic },
      'the topic was gone, and with it every watermark: the API is asked from the start of the stream',
    )
  await kafka.ensureTopic({ ...spec, topic: names.deadLetters(topic) })
  return { stream, topic, schemaId: id }
}
