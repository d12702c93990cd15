/**
 * Which table the records of a schema go to. A schema is fetched once and cached, so known schemas are served while the
 * registry is down. An unknown schema waits for the registry, and for its table. A schema that the registry does not
 * have, or that belongs to another stream, is refused: its records become dead letters. A refusal is checked again
 * after `REFUSED_AGE_MAX_MS`, since the registry may be corrected.
 */
import type { Clock } from '#shared/clock.ts'
import { partitionKeyMistake } from '#shared/declaration/checks/partition-key.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import { label, type Names } from '#shared/names.ts'
import { columnsOf, keptColumnsOf } from '#shared/schema/columns.ts'
import { annotationOf, type StreamAnnotation } from '#shared/schema/json-schema.ts'
import { fieldsOfKey } from '#shared/schema/record-key.ts'
import type { RegisteredSchema, Registry } from '#shared/schema/registry.ts'
import type { Target } from '../batch/batch.ts'
import { tableFailure } from '../failures/classify-error.ts'
import { type RetryPolicy, untilDecided, untilDone } from '../failures/retry.ts'
import type { Lookup, RefusedSchema } from '../splice/schema-lookup.ts'
import type { TableSpec } from '../table/ddl.ts'
import type { Tables } from '../table/tables.ts'

export type Catalog = {
  lookup(topic: string): Lookup
  /** Null until the table is known. */
  tableOf(topic: string): string | null
  /** What the newest known schema of the topic declares; null while none is known. */
  annotation(topic: string): StreamAnnotation | null
  /**
   * Looks for a newer schema, at most every `NEWER_LOOK_MS` for a topic. If the registry does not respond, the known
   * schema remains.
   */
  refresh(topic: string, retryPolicy: RetryPolicy): Promise<void>
  /**
   * Creates the topic's table from its latest schema, before anything of the topic is committed. `loadedBefore`: rows
   * of the topic were confirmed once, so a missing table is not silently created again.
   */
  open(topic: string, loadedBefore: boolean, retryPolicy: RetryPolicy): Promise<void>
  /** Resolves when `lookup` knows these ids. */
  learn(topic: string, ids: readonly number[], loadedBefore: boolean, retryPolicy: RetryPolicy): Promise<void>
}

const REFUSED_AGE_MAX_MS = 30_000
const REGISTRY_WAIT_MAX_MS = 10_000
const NEWER_LOOK_MS = 5_000

type Entry = { target: Target } | { refused: RefusedSchema; atMs: number }

export type CatalogDeps = { registry: Registry; tables: Tables; names: Names; clock: Clock }

export function createCatalog({ registry, tables, names, clock }: CatalogDeps): Catalog {
  const entries = new Map<string, Entry>()
  const newest = new Map<string, number>()
  const annotations = new Map<string, { id: number; annotation: StreamAnnotation }>()
  const lookedMs = new Map<string, number>()

  function lookup(topic: string): Lookup {
    return (id) => {
      const entry = entries.get(`${topic}#${id}`)
      if (entry === undefined) return undefined
      if ('target' in entry) return entry.target
      return clock.elapsedMs() - entry.atMs < REFUSED_AGE_MAX_MS ? entry.refused : undefined
    }
  }

  async function open(topic: string, loadedBefore: boolean, retryPolicy: RetryPolicy): Promise<void> {
    const latest = await untilDone(topic, retryPolicy, REGISTRY_WAIT_MAX_MS, () =>
      registry.latest(names.subject(topic)),
    )
    if (latest !== null) await enter(topic, latest.id, latest, loadedBefore, retryPolicy)
  }

  async function learn(
    topic: string,
    ids: readonly number[],
    loadedBefore: boolean,
    retryPolicy: RetryPolicy,
  ): Promise<void> {
    for (const id of ids) {
      if (lookup(topic)(id) !== undefined) continue
      const schema = await untilDone(topic, retryPolicy, REGISTRY_WAIT_MAX_MS, () => registry.byId(id))
      await enter(topic, id, schema, loadedBefore, retryPolicy)
    }
  }

  async function enter(
    topic: string,
    id: number,
    schema: RegisteredSchema | null,
    loadedBefore: boolean,
    retryPolicy: RetryPolicy,
  ): Promise<void> {
    const key = `${topic}#${id}`
    const refused =
      schema === null
        ? { refused: 'unknown_schema', issues: `the registry has no JSON Schema ${id}` }
        : mismatch(topic, schema)
    if (schema === null || refused !== null) {
      if (refused !== null) entries.set(key, { refused, atMs: clock.elapsedMs() })
      return
    }
    // Registry ids increase: an older schema that appears again must not restore its descriptions.
    const latest = id >= (newest.get(topic) ?? id)
    if (latest) newest.set(topic, id)
    await untilDecided(topic, retryPolicy, async () => {
      const spec = specOf(schema)
      return typeof spec === 'string'
        ? tableFailure('SCHEMA_COLUMN', spec)
        : (await tables.ensure(spec, { mayCreate: !loadedBefore, latest })).failure
    })
    const spec = specOf(schema)
    if (typeof spec === 'string') return
    entries.set(key, { target: { id, schema, spec } })
    const annotation = annotationOf(schema.json)
    if (annotation !== null && id >= (annotations.get(topic)?.id ?? id)) annotations.set(topic, { id, annotation })
  }

  async function refresh(topic: string, retryPolicy: RetryPolicy): Promise<void> {
    const last = lookedMs.get(topic)
    if (last !== undefined && clock.elapsedMs() - last < NEWER_LOOK_MS) return
    lookedMs.set(topic, clock.elapsedMs())
    let latest: RegisteredSchema | null
    try {
      latest = await registry.latest(names.subject(topic))
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      return
    }
    if (latest !== null && lookup(topic)(latest.id) === undefined)
      await enter(topic, latest.id, latest, true, retryPolicy)
  }

  function mismatch(topic: string, { id, json }: RegisteredSchema): RefusedSchema | null {
    const annotation = annotationOf(json)
    const stream = names.streamOf(topic)
    if (annotation === null)
      return { refused: 'foreign_schema', issues: `schema ${id} carries no x-headrace, so its table is unknown` }
    if (stream !== null && label(stream) === label(annotation)) return null
    return { refused: 'other_stream', issues: `schema ${id} is of ${label(annotation)}` }
  }

  function tableOf(topic: string): string | null {
    for (const [key, entry] of entries)
      if ('target' in entry && key.startsWith(`${topic}#`)) return entry.target.spec.table
    return null
  }

  return { lookup, tableOf, annotation: (topic) => annotations.get(topic)?.annotation ?? null, refresh, open, learn }
}

/** The table, or what is wrong with the schema. */
export function specOf({ id, json }: Pick<RegisteredSchema, 'id' | 'json'>): TableSpec | string {
  const annotation = annotationOf(json)
  if (annotation === null) return `schema ${id} carries no x-headrace`
  try {
    const { table, primaryKey, partitionBy, watermark } = annotation
    const keyFields = fieldsOfKey(json, primaryKey)
    const mistake = partitionBy === undefined ? null : partitionKeyMistake(partitionBy, keyFields)
    if (mistake !== null) return `schema ${id}: partitionBy ${mistake.what}`
    const columns = [...columnsOf(json), ...keptColumnsOf(json)]
    return { table, columns, primaryKey, keyFields, partitionBy, watermark }
  } catch (error) {
    // Anyone who may register a schema can write anything into it: it stalls its own topic only.
    return `schema ${id}: ${messageOf(error)}`
  }
}
