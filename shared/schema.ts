/**
 * The JSON Schema that is registered for a stream: closed objects from the zod schema, plus the `x-headrace` annotations that let
 * the loader build table and rows without a source file. Also the differences between two such schemas, for a person to read.
 */
import { z } from 'zod'
import { ANNOTATION, type FieldAnnotation } from './declare/fields.ts'
import type { WatermarkKind } from './watermark.ts'

export type JsonSchema = { [key: string]: unknown }

export const streamAnnotation = z.object({
  v: z.literal(1),
  source: z.string(),
  stream: z.string(),
  table: z.string(),
  primaryKey: z.array(z.string()).min(1),
  watermark: z.object({ field: z.string(), kind: z.enum(['iso', 'epochMs', 'epochSeconds', 'integer', 'text']) }).nullable(),
  partitions: z.int().min(1),
})
export type StreamAnnotation = z.infer<typeof streamAnnotation>

/** Field that holds what the schema does not know. */
export const EXTRA_FIELD = '_extra'

/** Throws when the schema has a part without a JSON form (transform, bigint, date), or a field of the loader's own names. */
export function wireSchema(input: { schema: z.ZodObject; keepUnknown: boolean; annotation: StreamAnnotation }): JsonSchema {
  const reserved = Object.keys(input.schema.shape).find((field) => field.startsWith('_'))
  if (reserved !== undefined) throw new Error(`"${reserved}": names that open with _ are the loader's own`)
  const { $schema: _, ...json } = z.toJSONSchema(input.schema, { target: 'draft-7', io: 'output' }) as JsonSchema
  const properties = { ...(json.properties as JsonSchema), ...(input.keepUnknown ? { [EXTRA_FIELD]: { type: 'object' } } : {}) }
  return { ...json, properties, additionalProperties: false, [ANNOTATION]: input.annotation }
}

/** The annotation of a registered schema; null for a schema that Headrace did not write. */
export function annotationOf(schema: JsonSchema): StreamAnnotation | null {
  const parsed = streamAnnotation.safeParse(schema[ANNOTATION])
  return parsed.success ? parsed.data : null
}

export type PropertyKind = { optional: boolean; scalar: boolean; watermark: WatermarkKind | null }

/** What a field of a zod schema can serve as; null when there is no such field or it has no JSON form. */
export function propertyKind(schema: z.ZodObject, field: string): PropertyKind | null {
  const type = schema.shape[field]
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

/** The one JSON type of a property, with null taken out of it; 'json' for anything that may be several. */
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
  if (typeof property.type === 'string') return { type: property.type, nullable: property.type === 'null', inner: property }
  const constant = property.const ?? (property.enum as unknown[] | undefined)?.[0]
  return { type: constant === undefined ? 'json' : typeof constant, nullable: false, inner: property }
}

function jsonOf(schema: z.ZodObject): JsonSchema | null {
  try {
    return z.toJSONSchema(schema, { target: 'draft-7', io: 'output' }) as JsonSchema
  } catch {
    return null
  }
}

/** `additive` changes only add optional fields; anything else can break a reader or a table. */
export type SchemaDifference = { path: string; change: string; additive: boolean }

/** What changed from the registered schema to the declared one, in a person's words. */
export function differences(before: JsonSchema, after: JsonSchema): SchemaDifference[] {
  const a = annotationOf(before)
  const b = annotationOf(after)
  const found: SchemaDifference[] = []
  if (a !== null && b !== null) {
    if (a.primaryKey.join() !== b.primaryKey.join()) {
      found.push({
        path: 'primaryKey',
        change: `[${a.primaryKey}] → [${b.primaryKey}]: the identity of every row would change`,
        additive: false,
      })
    }
    if (a.table !== b.table) found.push({ path: 'table', change: `${a.table} → ${b.table}`, additive: false })
    if (JSON.stringify(a.watermark) !== JSON.stringify(b.watermark)) {
      found.push({ path: 'watermark', change: `${JSON.stringify(a.watermark)} → ${JSON.stringify(b.watermark)}`, additive: false })
    }
  }
  return [...found, ...fieldDifferences(before, after, '')]
}

function fieldDifferences(before: JsonSchema, after: JsonSchema, path: string): SchemaDifference[] {
  const old = (before.properties ?? {}) as Record<string, JsonSchema>
  const now = (after.properties ?? {}) as Record<string, JsonSchema>
  const requiredNow = new Set((after.required ?? []) as string[])
  const requiredThen = new Set((before.required ?? []) as string[])
  const found: SchemaDifference[] = []
  for (const field of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const at = path === '' ? field : `${path}.${field}`
    const [was, is] = [old[field], now[field]]
    if (was === undefined && is !== undefined) {
      const required = requiredNow.has(field)
      found.push({ path: at, change: required ? 'new and required: records published before lack it' : 'new', additive: !required })
    } else if (was !== undefined && is === undefined) {
      found.push({ path: at, change: 'gone', additive: false })
    } else if (was !== undefined && is !== undefined) {
      if (!requiredThen.has(field) && requiredNow.has(field)) {
        found.push({ path: at, change: 'required now: records published before may lack it', additive: false })
      }
      if (requiredThen.has(field) && !requiredNow.has(field))
        found.push({ path: at, change: 'optional now: its column would have to become Nullable', additive: false })
      found.push(...typeDifferences(was, is, at))
    }
  }
  return found
}

function typeDifferences(was: JsonSchema, is: JsonSchema, path: string): SchemaDifference[] {
  if (was.type === 'object' && is.type === 'object' && was.properties !== undefined && is.properties !== undefined)
    return fieldDifferences(was, is, path)
  if (Array.isArray(was.enum) && Array.isArray(is.enum)) {
    const gone = was.enum.filter((value) => !(is.enum as unknown[]).includes(value))
    const added = is.enum.filter((value) => !(was.enum as unknown[]).includes(value))
    if (gone.length > 0) return [{ path, change: `no longer allows ${gone.join(', ')}`, additive: false }]
    return added.length > 0 ? [{ path, change: `allows ${added.join(', ')} too`, additive: true }] : []
  }
  const [a, b] = [JSON.stringify(was), JSON.stringify(is)]
  return a === b ? [] : [{ path, change: `${a} → ${b}`, additive: false }]
}
