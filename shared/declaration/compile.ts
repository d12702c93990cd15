/**
 * From what an author wrote to what the services run. A mistake becomes one DeclarationError that names file, stream
 * and field, with a hint. After `compileSource` nothing in a declaration can be wrong any more, except what its
 * functions return.
 */

import { DeclarationError, messageOf } from '../errors.ts'
import { LEDGER_TABLE, LETTERS_TABLE, label, tableName, viewName } from '../names.ts'
import { columnMistake } from '../schema/column-set.ts'
import {
  DELETES_DEFAULT,
  type DeletesPolicy,
  FOUND,
  type JsonSchema,
  wireSchema as toWireSchema,
} from '../schema/json-schema.ts'
import { type Answers, answersOf, meaningsOf } from './answers.ts'
import { checkAuth } from './checks/auth.ts'
import { checkPaging, withQuery } from './checks/paging.ts'
import { checkDiscovery, checkParents } from './checks/parents.ts'
import { type CompiledKey, checkPartitionKey, checkRecordKey, compileKey } from './checks/record-key.ts'
import { checkRequest } from './checks/request.ts'
import { checkDeletes, checkPartitions, checkPrimaryKey, checkRecords, checkSchema } from './checks/stream.ts'
import { checkWatermarkWalk } from './checks/watermark-walk.ts'
import { compileWatermark, isConditional, type Watermarking } from './compile-watermark.ts'
import { checkChunks, type Decode, decodeOf } from './decode.ts'
import type { DiscoverySpec } from './discovery.ts'
import { firstMistake, mistake, type Refuse } from './mistakes/mistakes.ts'
import { inWords } from './mistakes/wording.ts'
import { exportJobOf } from './paginate/paginate.ts'
import { type Place, pointerOf } from './place.ts'
import { checkQuotas } from './quota.ts'
import { type SourceSpec, type StreamSpec, sourceSpec } from './source-spec.ts'
import { openDecisions } from './todo.ts'

export type { Watermarking } from './compile-watermark.ts'
export type PartitionValues = Readonly<Record<string, string | number | boolean>>

export type Stream = Omit<
  StreamSpec,
  | 'method'
  | 'partitions'
  | 'watermark'
  | 'table'
  | 'records'
  | 'answers'
  | 'expiredCursor'
  | 'deletes'
  | 'decode'
  | 'primaryKey'
  | 'recordKey'
> & {
  source: Source
  method: 'GET' | 'POST'
  name: string
  /** `source.stream`. */
  label: string
  table: string
  records: Place
  decode: Decode
  answers: Answers
  /** Statuses by which the API refuses a cursor. */
  expiredCursor: readonly number[]
  watermark: Watermarking | null
  primaryKey: CompiledKey['primaryKey']
  recordKey: CompiledKey['recordKey']
  /** With its bounds; undefined where walks delete nothing. */
  deletes: DeletesPolicy | undefined
  /** Of discovered slices, only their number counts. */
  partitions: PartitionValues[]
  /** Of a stream as a slice sees it: values of the parent's record that do not identify the slice. */
  extra?: PartitionValues
  /** How the slices of the partitions are discovered; null where each partition is one. */
  discovery: DiscoverySpec | null
  /** The JSON Schema that is registered, `x-headrace` included. */
  wireSchema: JsonSchema
}

export type Source = Omit<SourceSpec, 'streams'> & { file: string; streams: Stream[] }

/** Checks and completes a declaration. `file` is only for the errors. Throws DeclarationError. */
export function compileSource(input: unknown, file: string): Source {
  const [open, ...others] = openDecisions(input, file)
  if (open !== undefined) throw open.with(others)
  const parsed = sourceSpec.safeParse(input, { error: inWords })
  if (!parsed.success) throw firstMistake(parsed.error, input, file)
  const { streams, ...rest } = parsed.data
  checkBaseUrl(rest.baseUrl, file)
  checkQuotas(rest.quota, Object.keys(streams), (field, what, hint) => mistake(file, null, field, what, hint))
  checkAuth(parsed.data, (field, what, hint) => mistake(file, null, field, what, hint))
  const source: Source = { ...rest, file, streams: [] }
  meaningsOf(rest.answers, (field, what, hint) => mistake(file, null, field, what, hint))
  source.streams = Object.entries(streams).map(([name, spec]) => compileStream(source, name, spec))
  checkParents(source.streams, (stream, field, what, hint) => mistake(file, stream, field, what, hint))
  refuseTwins(source.streams)
  return source
}

function compileStream(source: Source, name: string, declared: StreamSpec): Stream {
  const refuse: Refuse = (field, what, hint) => mistake(source.file, name, field, what, hint)
  const spec = withQuery(declared, refuse)
  checkSchema(spec, refuse)
  if (spec.primaryKey !== 'record') checkPrimaryKey(spec.schema, spec.primaryKey, refuse)
  checkRecordKey(spec, refuse)
  checkRequest(spec, refuse)
  checkWatermarkWalk(spec, refuse)
  checkPartitions(spec, refuse)
  checkRecords(spec, refuse)
  const watermark = spec.watermark === undefined ? null : compileWatermark(spec, spec.watermark, refuse)
  checkPaging(spec, watermark, refuse)
  checkDiscovery(spec, watermark, refuse)
  const answers = answersOf(source.answers, spec, refuse, isConditional(spec.watermark?.header))
  checkDeletes(spec, answers.answers, refuse)
  const stream = {
    ...spec,
    ...compileKey(spec),
    method: spec.method ?? 'GET',
    records: spec.records ?? '',
    decode: decodeOf(spec.decode, pointerOf(spec.records), refuse),
    source,
    name,
    label: label({ source: source.name, stream: name }),
    table: (spec.table ?? tableName({ source: source.name, stream: name })).replaceAll('-', '_'),
    ...partitionsOf(spec.partitions),
    deletes: spec.deletes === 'full-walk' ? DELETES_DEFAULT : spec.deletes,
    // Several walks one after the other are not sorted as a whole.
    watermark: watermark !== null && isFound(spec.partitions) ? { ...watermark, sorted: false } : watermark,
    ...answers,
  }
  const { failed, judges } = answers.answers
  const paged = exportJobOf(spec.paginate) ?? spec.paginate
  checkChunks(stream.decode, { paginate: paged, seesBody: failed !== null || judges !== null }, refuse)
  const wireSchema = schemaOf(stream, refuse)
  const wrong = columnMistake(wireSchema, stream.primaryKey)
  if (wrong !== null) throw refuse(wrong.field === '' ? 'schema' : `schema.${wrong.field}`, wrong.what, wrong.hint)
  checkPartitionKey(stream, wireSchema, refuse)
  return { ...stream, wireSchema }
}

function schemaOf(stream: Omit<Stream, 'wireSchema'>, refuse: Refuse): JsonSchema {
  const { watermark } = stream
  try {
    return toWireSchema({
      schema: stream.schema,
      keepUnknown: stream.unknownFields === 'keep' || stream.unknownFields === 'columns',
      marksDeleted: stream.deleted !== undefined,
      annotation: {
        v: 1,
        source: stream.source.name,
        stream: stream.name,
        table: stream.table,
        primaryKey: [...stream.primaryKey],
        ...(stream.recordKey === null ? {} : { recordKey: stream.recordKey }),
        ...(stream.partitionBy === undefined ? {} : { partitionBy: stream.partitionBy }),
        watermark: watermark === null ? null : { field: watermark.field, kind: watermark.kind },
        ...(stream.deletes === undefined ? {} : { deletes: stream.deletes }),
        partitions: stream.partitions.length,
        shares: stream.partitions.map((values, index) => shareOf(values, index, stream)),
      },
    })
  } catch (error) {
    throw refuse(
      'schema',
      `has no JSON form: ${messageOf(error)}`,
      'use plain types and the field helpers, and convert values in map',
    )
  }
}

const isFound = (spec: StreamSpec['partitions']): boolean => typeof spec === 'object' && !Array.isArray(spec)

function partitionsOf(spec: StreamSpec['partitions']): Pick<Stream, 'partitions' | 'discovery'> {
  if (Array.isArray(spec)) return { partitions: spec, discovery: null }
  const [count, discovery] = typeof spec === 'number' ? [spec, null] : [spec.over, spec]
  return { partitions: Array.from({ length: count }, () => ({})), discovery }
}

/** Partitions without values are distinguished by their number among all. */
function shareOf(
  values: PartitionValues,
  index: number,
  { partitions, discovery }: Pick<Stream, 'partitions' | 'discovery'>,
): string {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length > 0) return JSON.stringify(Object.fromEntries(entries))
  return `${index} of ${partitions.length}${discovery === null ? '' : FOUND}`
}

function checkBaseUrl(baseUrl: SourceSpec['baseUrl'], file: string): void {
  const text = typeof baseUrl === 'string' ? baseUrl : baseUrl.fallback
  const refuse = (what: string, hint: string) => mistake(file, null, 'baseUrl', what, hint)
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw refuse('is not an http or https URL', 'write it with its scheme, e.g. https://api.shop.example')
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      'contains a user name or a password',
      "remove them and declare auth: basic({ username: …, password: secret('NAME') })",
    )
  }
  if (url.search !== '' || url.hash !== '')
    throw refuse('has a query or a fragment', 'move parameters into params of the stream')
}

/**
 * Two streams must not share a table or a topic: each would overwrite the other's rows, or Kafka refuses the second
 * topic.
 */
export function refuseTwins(streams: readonly Stream[]): void {
  const seen = new Map<string, Stream>()
  for (const stream of streams) {
    const at = `${stream.source.file}, stream ${stream.name}`
    if (stream.table === LEDGER_TABLE || stream.table === LETTERS_TABLE) {
      throw new DeclarationError('HR_DECLARATION', `${at}, field table: ${stream.table} is reserved for the loader`, {
        hint: 'choose another name: table',
      })
    }
    for (const name of namesOfStream(stream)) {
      const [what] = name.split(' ')
      const twin = seen.get(name)
      if (twin !== undefined) {
        throw new DeclarationError(
          'HR_DECLARATION',
          `${at}: its ${what} is that of ${twin.label} (${twin.source.file})`,
          {
            hint: what === 'table' ? 'rename the stream, or choose another name: table' : 'rename one of them',
          },
        )
      }
      seen.set(name, stream)
    }
  }
}

/** What no other stream may have. Kafka treats topics that differ only in . and _ as the same. */
const namesOfStream = ({ table, label }: Pick<Stream, 'table' | 'label'>): string[] => [
  `table ${table}`,
  `table ${viewName(table)}`,
  `topic ${label.replaceAll('.', '_')}`,
]
