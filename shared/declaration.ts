/**
 * From what an author wrote to what the services run. A mistake becomes one DeclarationError that names file, stream and field
 * with a hint; after `compileSource` nothing about a declaration can be wrong any more.
 */
import type { z } from 'zod'
import { type SourceSpec, type StreamSpec, sourceSpec, type WatermarkSpec } from './declare/source.ts'
import { DeclarationError } from './errors.ts'
import { type JsonSchema, propertyKind, wireSchema } from './schema.ts'
import { label, tableName } from './topics.ts'
import { isInstant, naturalForm, type Position, positionOf, type WatermarkForm, type WatermarkKind } from './watermark.ts'

export type PartitionValues = Readonly<Record<string, string | number | boolean>>

export type Watermarking = Omit<WatermarkSpec, 'as' | 'start' | 'lookback'> & {
  kind: WatermarkKind
  form: WatermarkForm
  /** Milliseconds for instants, units for integers. */
  lookback: number
  start: Position | null
}

export type Stream = Omit<StreamSpec, 'partitions' | 'watermark' | 'table'> & {
  source: Source
  name: string
  /** `source.stream`. */
  label: string
  table: string
  watermark: Watermarking | null
  partitions: PartitionValues[]
  /** The JSON Schema that is registered, `x-headrace` included. */
  wireSchema: JsonSchema
}

export type Source = Omit<SourceSpec, 'streams'> & { file: string; streams: Stream[] }

/** Checks and completes a declaration. `file` is only for the errors. Throws DeclarationError. */
export function compileSource(input: unknown, file: string): Source {
  const parsed = sourceSpec.safeParse(input)
  if (!parsed.success) throw firstMistake(parsed.error, input, file)
  const { streams, ...rest } = parsed.data
  if (typeof rest.baseUrl === 'string' && !URL.canParse(rest.baseUrl)) {
    throw mistake(file, null, 'baseUrl', `"${rest.baseUrl}" is no URL`, 'write it with its scheme, e.g. https://api.shop.example')
  }
  const source: Source = { ...rest, file, streams: [] }
  source.streams = Object.entries(streams).map(([name, spec]) => compileStream(source, name, spec))
  return source
}

function compileStream(source: Source, name: string, spec: StreamSpec): Stream {
  const refuse = (field: string, what: string, hint: string) => mistake(source.file, name, field, what, hint)
  const stream = {
    ...spec,
    source,
    name,
    label: label({ source: source.name, stream: name }),
    table: (spec.table ?? tableName({ source: source.name, stream: name })).replaceAll('-', '_'),
    partitions: typeof spec.partitions === 'number' ? Array.from({ length: spec.partitions }, () => ({})) : spec.partitions,
  }
  for (const [index, key] of spec.primaryKey.entries()) {
    const kind = propertyKind(spec.schema, key)
    const field = `primaryKey[${index}]`
    if (kind === null)
      throw refuse(field, `"${key}" is no field of the schema`, `the schema has: ${Object.keys(spec.schema.shape).join(', ')}`)
    if (kind.optional)
      throw refuse(
        field,
        `"${key}" may be missing or null`,
        'a primary key is required in every record: take .optional() and .nullable() away',
      )
    if (!kind.scalar)
      throw refuse(
        field,
        `"${key}" is an object or an array`,
        'use a text, a number or a boolean; a map function can lift one out of an object',
      )
  }
  if (typeof spec.partitions === 'number' && spec.partitions > 1 && typeof spec.params !== 'function') {
    throw refuse(
      'params',
      `${spec.partitions} partitions would all send the same request`,
      'make params a function of { partition, partitions }, or list the values of each partition',
    )
  }
  if (spec.body !== undefined && spec.method !== 'POST') throw refuse('body', 'a GET has no body', "add method: 'POST'")
  if (spec.paginate.kind === 'cursor' && spec.paginate.body !== undefined && spec.body === undefined) {
    throw refuse('paginate.body', 'there is no JSON body to put the cursor into', "add method: 'POST' and body: { … }")
  }
  const watermark = spec.watermark === undefined ? null : compileWatermark(spec, spec.watermark, refuse)
  return { ...stream, watermark, wireSchema: schemaOf(stream, watermark, refuse) }
}

type Refuse = (field: string, what: string, hint: string) => DeclarationError

function compileWatermark(spec: StreamSpec, watermark: WatermarkSpec, refuse: Refuse): Watermarking {
  const { as, start, lookback, ...rest } = watermark
  const property = propertyKind(spec.schema, watermark.field)
  if (property === null) {
    throw refuse(
      'watermark.field',
      `"${watermark.field}" is no field of the schema`,
      `the schema has: ${Object.keys(spec.schema.shape).join(', ')}`,
    )
  }
  if (property.optional) {
    throw refuse(
      'watermark.field',
      `"${watermark.field}" may be missing or null`,
      'a watermark needs a value in every record: take .optional() and .nullable() away',
    )
  }
  const kind = property.watermark
  if (kind === null) {
    throw refuse(
      'watermark.field',
      `"${watermark.field}" cannot give a watermark`,
      'use an instant (z.iso.datetime(), epochMs()), an integer, or a text that sorts',
    )
  }
  if (typeof watermark.lookback === 'number' && watermark.lookback > 0 && kind === 'text') {
    throw refuse('watermark.lookback', 'a text has no earlier value', 'take lookback away, or use an instant or an integer')
  }
  if (as !== undefined && as !== 'plain' && !isInstant(kind)) {
    throw refuse('watermark.as', `"${watermark.field}" is no instant`, 'take as away')
  }
  const from = start === undefined ? null : positionOf(kind, start)
  if (start !== undefined && from === null) {
    throw refuse('watermark.start', `"${start}" is no ${kind} value`, 'write it as the field itself is written')
  }
  return { ...rest, kind, form: as ?? naturalForm(kind), lookback, start: from }
}

function schemaOf(stream: Omit<Stream, 'watermark' | 'wireSchema'>, watermark: Watermarking | null, refuse: Refuse): JsonSchema {
  try {
    return wireSchema({
      schema: stream.schema,
      keepUnknown: stream.unknownFields === 'keep',
      annotation: {
        v: 1,
        source: stream.source.name,
        stream: stream.name,
        table: stream.table,
        primaryKey: stream.primaryKey,
        watermark: watermark === null ? null : { field: watermark.field, kind: watermark.kind },
        partitions: stream.partitions.length,
      },
    })
  } catch (error) {
    throw refuse(
      'schema',
      error instanceof Error ? error.message : String(error),
      'transforms, bigint and dates have no JSON form: use the field helpers (decimal, epochMs, int64) or do it in map',
    )
  }
}

function firstMistake(error: z.ZodError, input: unknown, file: string): DeclarationError {
  const issue = deepest(error.issues[0])
  if (issue === undefined) return mistake(file, null, '', 'is no declaration', 'export default defineSource({ … })')
  const path = issue.path.map(String)
  const stream = path[0] === 'streams' && path.length > 1 ? (path[1] ?? null) : null
  const field = (stream === null ? path : path.slice(2)).join('.')
  if (issue.code === 'unrecognized_keys') {
    const where = field === '' ? '' : `${field}.`
    return mistake(file, stream, `${where}${issue.keys[0]}`, 'is not known here', 'check its spelling, or take it away')
  }
  const missing = issue.code === 'invalid_type' && valueAt(input, path) === undefined
  return mistake(
    file,
    stream,
    field,
    missing ? 'is missing' : issue.message,
    missing ? `add ${path.at(-1) ?? 'it'}: ${lowerFirst(issue.message)}` : 'see the README, "A source in twenty lines"',
  )
}

type Issue = z.core.$ZodIssue

/** A union's own words ("invalid input") help nobody: the branch that came furthest knows what is wrong. */
function deepest(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1)).sort((a, b) => b.path.length - a.path.length)
  const best = deepest(branches[0])
  return best === undefined ? issue : { ...best, path: [...issue.path, ...best.path] }
}

function mistake(file: string, stream: string | null, field: string, what: string, hint: string): DeclarationError {
  const where = [file, stream === null ? null : `stream ${stream}`, field === '' ? null : `field ${field}`].filter((part) => part !== null)
  return new DeclarationError('HR_DECLARATION', `${where.join(', ')}: ${what}`, { hint })
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function valueAt(value: unknown, path: string[]): unknown {
  let at = value
  for (const step of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined
  return at
}
