/**
 * The JSON Schema that is registered for a stream: closed objects from the zod schema, plus the `x-headrace`
 * annotations. These let the loader build table and rows without a source file. What a field can be used for (key,
 * watermark) is read from it too.
 */
import { z } from 'zod'
import type { WatermarkKind } from '../watermark.ts'
import { ANNOTATION, type FieldAnnotation } from './annotation.ts'

export type JsonSchema = { [key: string]: unknown }

/**
 * Limits on what a complete walk may delete by itself. Beyond them the deletes are withheld until a person releases
 * them.
 */
export const deletesPolicy = z.object({
  by: z.literal('full-walk'),
  /** Share of a partition's rows above which the deletes are withheld, from `rowsMin` rows on. */
  shareMax: z.number().min(0).max(1),
  rowsMin: z.int().min(1),
  /** Whether a walk may delete every row that was there. */
  allowAll: z.boolean(),
})
export type DeletesPolicy = z.infer<typeof deletesPolicy>
export const DELETES_DEFAULT: DeletesPolicy = { by: 'full-walk', shareMax: 0.2, rowsMin: 10, allowAll: false }

export const streamAnnotation = z.object({
  v: z.literal(1),
  source: z.string(),
  stream: z.string(),
  table: z.string(),
  primaryKey: z.array(z.string()).min(1),
  /** Where the key is a hash of the record: its version, and the fields that it covers if those are named. */
  recordKey: z.object({ v: z.literal(1), fields: z.array(z.string()).min(1).optional() }).optional(),
  /** An expression of the primary key. */
  partitionBy: z.string().optional(),
  watermark: z
    .object({ field: z.string(), kind: z.enum(['iso', 'epochMs', 'epochSeconds', 'integer', 'text']) })
    .nullable(),
  /** Complete walks are believed only where this is registered. */
  deletes: deletesPolicy.optional(),
  /**
   * Counts the changes of `deletes`. Without it, the registry would take a schema that is declared again for an old
   * version, not the latest.
   */
  deletesChange: z.int().min(0).optional(),
  partitions: z.int().min(1),
  /** The scope of each partition: a watermark holds for its own scope only. */
  shares: z.array(z.string()).optional(),
  /**
   * Where partitions start that have no checkpoint of their own scope; present when the scopes have changed. The
   * watermarks were confirmed when the loader's offset in `log` was that one. `change` counts, so that no two changes
   * look the same to the registry.
   */
  startsFrom: z
    .object({
      change: z.int(),
      watermarks: z.array(z.string().nullable()),
      log: z.object({ partition: z.int().min(0), offset: z.int().min(0) }),
    })
    .optional(),
})
export type StreamAnnotation = z.infer<typeof streamAnnotation>
export type StartsFrom = NonNullable<StreamAnnotation['startsFrom']>

/** The end of the scope of a partition whose slices are discovered when a run starts. */
export const FOUND = ' found'

/** The field that holds the key of a record that has none of its own. A declared field cannot have this name. */
export const RECORD_KEY_FIELD = '_record_key'
const RECORD_KEY = { type: 'string', format: 'uuid', description: 'the key: a hash of the declared fields' }

/** The field that holds what the schema does not know. */
export const EXTRA_FIELD = '_extra'

/**
 * The field that holds the unknown fields as they were received, as JSON text. The JSON column of the other field would
 * change them.
 */
export const EXTRA_TEXT_FIELD = '_extra_text'
const EXTRA_TEXT =
  'the unknown fields as they came, where _extra would change them: names with dots, nulls, empty objects, mixed lists'

/** Field that marks a deleted record, with 1; a column of every table. */
export const DELETED_FIELD = '_deleted'

/**
 * Throws when the schema has a part without a JSON form (transform, bigint, date), or a field of the loader's own
 * names.
 */
export function wireSchema(input: {
  schema: z.ZodObject
  keepUnknown: boolean
  marksDeleted?: boolean
  annotation: StreamAnnotation
}): JsonSchema {
  const reserved = Object.keys(input.schema.shape).find((field) => field.startsWith('_'))
  if (reserved !== undefined) throw new Error(`"${reserved}": names that start with _ are reserved for the loader`)
  const json = z.toJSONSchema(input.schema, { target: 'draft-7', io: 'output' }) as JsonSchema
  const { recordKey } = input.annotation
  const required =
    recordKey === undefined ? {} : { required: [RECORD_KEY_FIELD, ...((json.required ?? []) as string[])] }
  const properties = {
    ...(recordKey === undefined ? {} : { [RECORD_KEY_FIELD]: RECORD_KEY }),
    ...(json.properties as JsonSchema),
    ...(input.keepUnknown
      ? { [EXTRA_FIELD]: { type: 'object' }, [EXTRA_TEXT_FIELD]: { type: 'string', description: EXTRA_TEXT } }
      : {}),
    ...(input.marksDeleted ? { [DELETED_FIELD]: { type: 'integer', enum: [0, 1] } } : {}),
  }
  return { ...json, ...required, properties, additionalProperties: false, [ANNOTATION]: input.annotation }
}

/** The annotation of a registered schema; null for a schema that Headrace did not write. */
export function annotationOf(schema: JsonSchema): StreamAnnotation | null {
  const parsed = streamAnnotation.safeParse(schema[ANNOTATION])
  return parsed.success ? parsed.data : null
}

export const withStartsFrom = (schema: JsonSchema, startsFrom: StartsFrom): JsonSchema => ({
  ...schema,
  [ANNOTATION]: { ...(schema[ANNOTATION] as StreamAnnotation), startsFrom },
})

/** The schema as it will be registered after another: with the number of times that `deletes` has changed. */
export function withDeletesChange(schema: JsonSchema, registered: JsonSchema | null): JsonSchema {
  const [before, after] = [registered === null ? null : annotationOf(registered), annotationOf(schema)]
  if (before === null || after === null) return schema
  const change = (before.deletesChange ?? 0) + (isSameDeletes(before.deletes, after.deletes) ? 0 : 1)
  return change === 0
    ? schema
    : { ...schema, [ANNOTATION]: { ...(schema[ANNOTATION] as StreamAnnotation), deletesChange: change } }
}

export const isSameDeletes = (a: DeletesPolicy | undefined, b: DeletesPolicy | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.shareMax === b.shareMax &&
    a.rowsMin === b.rowsMin &&
    a.allowAll === b.allowAll)

export type PropertyKind = { optional: boolean; scalar: boolean; watermark: WatermarkKind | null }

/** What a field of a zod schema can be used for; null when there is no such field or it has no JSON form. */
export function propertyKind(schema: z.ZodObject, field: string): PropertyKind | null {
  const type = Object.hasOwn(schema.shape, field) ? schema.shape[field] : undefined
  if (type === undefined) return null
  const json = jsonOf(z.object({ [field]: type as z.ZodType }))
  const property = (json?.properties as Record<string, JsonSchema> | undefined)?.[field]
  if (json === null || property === undefined) return null
  const { type: jsonType, nullable } = typeOf(property)
  const optional = nullable || !(json.required as string[] | undefined)?.includes(field)
  const scalar = ['string', 'number', 'integer', 'boolean'].includes(jsonType)
  return { optional, scalar, watermark: optional ? null : watermarkKind(property, jsonType) }
}

function watermarkKind(property: JsonSchema, type: string): WatermarkKind | null {
  const annotation = property[ANNOTATION] as FieldAnnotation | undefined
  if (annotation?.watermark !== undefined) return annotation.watermark
  if (annotation?.column === 'Int64' || type === 'integer') return 'integer'
  if (type !== 'string' || annotation?.column?.startsWith('Decimal') === true) return null
  return property.format === 'date-time' || property.format === 'date' ? 'iso' : 'text'
}

/** The one JSON type of a property, with null removed; 'json' for anything that may have several. */
export function typeOf(property: JsonSchema): { type: string; nullable: boolean; inner: JsonSchema } {
  const branches = (property.anyOf ?? property.oneOf) as JsonSchema[] | undefined
  if (branches !== undefined) {
    const rest = branches.filter((branch) => branch.type !== 'null')
    const nullable = rest.length < branches.length
    const only = rest.length === 1 ? rest[0] : undefined
    if (only === undefined) return { type: 'json', nullable, inner: property }
    const inner = typeOf(only)
    const annotation = property[ANNOTATION]
    return {
      ...inner,
      nullable: nullable || inner.nullable,
      inner: annotation === undefined ? inner.inner : { ...inner.inner, [ANNOTATION]: annotation },
    }
  }
  if (Array.isArray(property.type)) {
    const rest = property.type.filter((type) => type !== 'null')
    return { type: rest.length === 1 ? rest[0] : 'json', nullable: rest.length < property.type.length, inner: property }
  }
  if (typeof property.type === 'string')
    return { type: property.type, nullable: property.type === 'null', inner: property }
  const types = new Set(((property.enum ?? []) as unknown[]).map((value) => (value === null ? 'json' : typeof value)))
  const [only] = types
  return { type: types.size === 1 && only !== undefined ? only : 'json', nullable: false, inner: property }
}

function jsonOf(schema: z.ZodObject): JsonSchema | null {
  try {
    return z.toJSONSchema(schema, { target: 'draft-7', io: 'output' }) as JsonSchema
  } catch {
    return null
  }
}
