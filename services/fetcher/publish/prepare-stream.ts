/** Prepares a stream before its first record: its schema in the registry and its two topics. Idempotent. */
import type { Config } from '#shared/config/config.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Names } from '#shared/names.ts'
import { forgotten, laidOut } from '#shared/progress/partition-scopes.ts'
import { annotationOf, type JsonSchema, type StreamAnnotation } from '#shared/schema/json-schema.ts'
import type { Registry } from '#shared/schema/registry.ts'
import { ensureTopic, topicSpecs } from '#shared/topic-specs.ts'

/** `annotation`: as registered, including where partitions begin. */
export type Prepared = { stream: Stream; topic: string; schemaId: number; annotation: StreamAnnotation }
type PrepareTools = { kafka: Kafka; registry: Registry; names: Names; config: Config; log: Log }

/** Throws Stopped (HR_SCHEMA_REFUSED) with the differences if the declared schema breaks the registered one. */
export async function prepareStream(stream: Stream, tools: PrepareTools): Promise<Prepared> {
  const { kafka, registry, names, log } = tools
  const topic = names.records({ source: stream.source.name, stream: stream.name })
  const subject = names.subject(topic)
  const before = await registry.latest(subject)
  const loaded = before === null ? [] : await kafka.committed(names.loaderGroup, topic)
  const { schema, changed } = laidOut(stream.wireSchema, before?.json ?? null, loaded)
  const { id, changes } = await registry.register(subject, schema)
  for (const change of changes)
    log.info({ stream: stream.label, path: change.path, change: change.change }, 'schema change registered')
  if (changed) reportLayout(stream, annotated(schema), log)
  if ((await ensureTopics(stream, topic, tools)) === 'present' || before === null) {
    return { stream, topic, schemaId: id, annotation: annotated(schema) }
  }
  // Kafka drops the committed offsets of a deleted topic, but not those of a group whose coordinator it was loading.
  const kept = (await kafka.committed(names.loaderGroup, topic)).some((commit) => commit !== null)
  log.warn(
    { stream: stream.label, topic },
    kept
      ? 'topic is missing, but its watermarks are not: fetching from the confirmed watermarks'
      : 'topic is missing and its watermarks are lost: fetching from the start of the stream',
  )
  const reset = forgotten(schema)
  return { stream, topic, schemaId: (await registry.register(subject, reset)).id, annotation: annotated(reset) }
}

/**
 * Ensures the topics of records and dead letters, and returns what happened to the first. Surplus partitions stay and
 * are not fetched.
 */
async function ensureTopics(
  stream: Stream,
  topic: string,
  { kafka, names, config, log }: PrepareTools,
): Promise<'created' | 'present'> {
  const specs = topicSpecs(config.kafka)
  const partitions = stream.partitions.length
  const outcome = await ensureTopic(kafka, specs.records(topic, partitions), log)
  await ensureTopic(kafka, specs.deadLetters(names.deadLetters(topic), partitions), log)
  return outcome === 'created' ? 'created' : 'present'
}

function reportLayout({ label, partitions }: Stream, { startsFrom }: StreamAnnotation, log: Log): void {
  const watermarks = startsFrom?.watermarks ?? []
  const [first] = watermarks
  const from = watermarks.every((watermark) => watermark === first) ? (first ?? "the stream's start") : watermarks
  log.warn(
    { stream: label, partitions: partitions.length, from },
    'the partitions have changed; new ones start where all earlier records are confirmed',
  )
}

/** Every declared schema has it. */
function annotated(schema: JsonSchema): StreamAnnotation {
  const annotation = annotationOf(schema)
  if (annotation === null) throw new RangeError('a declared schema without x-headrace')
  return annotation
}
