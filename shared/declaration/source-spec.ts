/**
 * The shape of a declaration: one source with its streams, as its author writes it, checked by zod. Defaults are here
 * and nowhere else. `Source` and `Stream` are what the services work with after the check.
 */
import { Cron } from 'croner'
import { z } from 'zod'
import { NAME_PATTERN } from '../names.ts'
import { DELETES_DEFAULT } from '../schema/json-schema.ts'
import { answersSpec } from './answers.ts'
import { authSpec } from './auth.ts'
import { discoverySpec } from './discovery.ts'
import { duration, positiveDuration } from './duration.ts'
import { headers, sourceHeaders } from './headers.ts'
import { paginateSpec, place, pointer } from './paginate/paginate.ts'
import { countGiven } from './place.ts'
import { quotasSpec } from './quota.ts'
import { textOrSetting } from './secret.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const MIB = 1024 * 1024

const name = z
  .string()
  .regex(NAME_PATTERN, 'expected a name of lower-case letters, digits, _ and -, opening with a letter')
const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number or a boolean')
const scalars = z.record(z.string(), scalar)

/** What a request function is told. `partition` counts from 0. */
export type RequestContext = {
  partition: number
  partitions: number
  values: Readonly<Record<string, string | number | boolean>>
}

const paramsFunction = z.custom<(context: RequestContext) => Record<string, string | number | boolean>>(
  (value) => typeof value === 'function',
  'expected an object of parameters, or a function that returns one',
)
/**
 * What a function of the envelope is told: one page's body and headers (lower-case names), and the values of its
 * partition.
 */
export type EnvelopeContext = {
  body: unknown
  headers: Readonly<Record<string, string>>
  values: Readonly<Record<string, string | number | boolean>>
}

const partitionValue = z.string().regex(/^\{[^{}]+\}$/)
const envelopeFunction = z.custom<(context: EnvelopeContext) => unknown>((value) => typeof value === 'function')
const envelopePlace = z.union(
  [
    pointer,
    partitionValue,
    envelopeFunction,
    z.strictObject({ optional: z.union([pointer, partitionValue, envelopeFunction]) }),
  ],
  "expected a JSON pointer (RFC 6901) into the answer such as /meta/account_id, a value of the partition such as '{region}', or a function",
)
const recordFunction = z.custom<(raw: unknown) => unknown>(
  (value) => typeof value === 'function',
  'expected a function of one raw record',
)
const recordPredicate = z.custom<(raw: unknown) => boolean>(
  (value) => typeof value === 'function',
  'expected a function of one raw record',
)
const deletionMark = z.union(
  [pointer.min(1), recordPredicate],
  'expected a JSON pointer (RFC 6901) into the record such as /deleted, or a function of one raw record',
)
const zodObject = z.custom<z.ZodObject>((value) => value instanceof z.ZodObject, {
  error: 'expected z.object({ … }) from the zod that headrace exports',
})

const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text

function comesUp(text: string): boolean {
  try {
    return new Cron(text, { timezone: 'UTC', paused: true }).nextRun(new Date(0)) !== null
  } catch {
    return false
  }
}

const inMs = duration.transform((ms): Lookback => ({ ms }))
const inUnits = z
  .int()
  .min(0)
  .transform((units): Lookback => ({ units }))
type Lookback = { ms: number; units?: undefined } | { ms?: undefined; units: number }

export const watermarkSpec = z
  .strictObject({
    /** A required, top-level field of the schema. */
    field: z.string(),
    /** The parameter that asks for what changed since; or a pointer into the JSON body that does. */
    param: z.string().optional(),
    body: pointer.optional(),
    /** How it is written into the request; follows from the field's type by default. */
    as: z.enum(['iso', 'isoSeconds', 'isoLocal', 'isoDate', 'epochMs', 'epochSeconds', 'plain']).optional(),
    /**
     * 'UTC': times without an offset are in UTC. Those of another zone come twice when its clocks go back, and are
     * refused.
     */
    zone: z.string().optional(),
    /** Asked again at each run, for records that become visible late. A duration for instants, units for integers. */
    lookback: z
      .union([inMs, inUnits], 'expected a duration such as 5m, or a whole number of units from 0')
      .default({ units: 0 }),
    /** True only if the API returns records in the order of this field; the watermark then moves page by page. */
    sorted: z.boolean().default(false),
    /** True if the API leaves out records that are equal to the parameter. */
    exclusive: z.boolean().default(false),
    /**
     * The watermark stays so long behind the start of a run: for records that become visible late, and in any order.
     */
    settle: duration.default(0),
    /** The parameter that asks for what changed before; or a pointer into the JSON body that does. */
    to: z.string().optional(),
    toBody: pointer.optional(),
    /** True if the API gives records that are equal to `to`: it is then asked for one unit less. */
    inclusiveEnd: z.boolean().default(false),
    /** Where the first run starts; without it, from everything. */
    start: z.union([z.string(), z.number()]).optional(),
  })
  .refine((spec) => (spec.param === undefined) !== (spec.body === undefined), {
    error: 'name the one place where the request takes the watermark: param or body',
    path: ['param'],
    params: { rule: true },
  })
  .refine((spec) => countGiven(spec.to, spec.toBody) < 2, {
    error: 'name one place where the request takes the end: to or toBody',
    path: ['to'],
    params: { rule: true },
  })

export const streamSpec = z
  .strictObject({
    method: z.enum(['GET', 'POST']).default('GET'),
    path: z.string().regex(/^\//, 'expected a path that starts with /'),
    params: z.union([scalars, paramsFunction]).default({}),
    headers: headers.default({}),
    /** JSON body of a POST. */
    body: z.record(z.string(), z.unknown()).optional(),
    paginate: paginateSpec,
    /** Statuses by which the API refuses a cursor that has expired: the run then goes on from the best watermark. */
    expiredCursor: z.array(z.int().min(400).max(499)).optional(),
    /** What its answers mean, before what the source says. */
    answers: answersSpec.optional(),
    /**
     * Where the answer holds its array of records: the whole body, or the nodes of a GraphQL connection, if nothing is
     * said. An answer without it fails.
     */
    records: place.optional(),
    /** Values of the page or its partition that are added to each raw record, by field. */
    envelope: z.record(z.string().min(1), envelopePlace).optional(),
    /** Pure; on the raw record with its envelope, before map. False leaves the record out. */
    filter: recordPredicate.optional(),
    /** Where a raw record says that it is deleted, or a pure function that does: its row is then gone under FINAL. */
    deleted: deletionMark.optional(),
    /**
     * For an API that says nothing of deletions: after a walk that brought everything, rows that it did not bring are
     * marked deleted. With bounds: a walk that would delete more is withheld until a person releases it.
     */
    deletes: z
      .union([
        z.enum(['full-walk']),
        z.strictObject({
          by: z.enum(['full-walk']),
          /** Withheld above this share of the partition's rows, from `rowsMin` rows on. 1: never by the share. */
          shareMax: z.number().min(0).max(1).default(DELETES_DEFAULT.shareMax),
          rowsMin: z.int().min(1).default(DELETES_DEFAULT.rowsMin),
          /** True: a walk may delete all rows that were there, also when it brought no record at all. */
          allowAll: z.boolean().default(DELETES_DEFAULT.allowAll),
        }),
      ])
      .optional(),
    /** Pure; runs before validation. Returning undefined leaves the record out. */
    map: recordFunction.optional(),
    schema: zodObject,
    unknownFields: z.enum(['keep', 'drop', 'reject', 'columns']).default('keep'),
    primaryKey: z.array(z.string()).min(1),
    watermark: watermarkSpec.optional(),
    /**
     * Request values of each partition, a number of equal ones told apart by a function of params, or values that are
     * found.
     */
    partitions: z.union([z.array(scalars).min(1), z.int().min(1).max(1000), discoverySpec]).default(1),
    /** How often a run starts, or a cron expression (in UTC). */
    every: positiveDuration.optional(),
    cron: z.string().refine(comesUp, 'is no cron expression that ever comes up').optional(),
    /** Bounds of one run. */
    pagesMax: z.int().min(1).default(100_000),
    emptyPagesMax: z.int().min(1).default(10),
    /**
     * Rejected share of a run above which it stops, as at a whole page that is rejected: the API has changed. 1: it
     * never stops.
     */
    rejectedShareMax: z.number().min(0).max(1).default(0.25),
    table: name.optional(),
    /** Partition key of the table: functions of the primary key only. */
    partitionBy: z.string().optional(),
  })
  .refine((spec) => !(spec.every !== undefined && spec.cron !== undefined), {
    error: 'give every or cron, not both',
    path: ['cron'],
    params: { rule: true },
  })

export const sourceSpec = z.strictObject({
  name,
  baseUrl: textOrSetting,
  /** True: fetched only when a command names its streams; for examples and sources under trial. */
  onDemand: z.boolean().default(false),
  auth: authSpec.optional(),
  /** One, or several that hold at once. */
  quota: quotasSpec,
  /** Requests under way at once, over all workers. */
  concurrency: z.int().min(1).max(1000).optional(),
  /** What its answers mean, where HTTP does not say it; for all streams. */
  answers: answersSpec.optional(),
  headers: sourceHeaders.default({}),
  /** Other origins that a next link may lead to; credentials never go there. */
  allowOrigins: z
    .array(z.string().refine(isOrigin, 'expected an origin: scheme, host and port, nothing behind them'))
    .default([]),
  /** Attempts of one page, the first included. */
  attemptsMax: z.int().min(1).max(20).default(6),
  /** Longest single wait between attempts that is slept through; a longer one parks the partition until then. */
  waitMax: duration.default(5 * MINUTE_MS),
  timeout: positiveDuration.refine((ms) => ms <= HOUR_MS, 'expected at most 1h').default(30_000),
  bodyBytesMax: z
    .int()
    .min(1024)
    .default(64 * MIB),
  /**
   * Objects and arrays of one body; eight other values count as one. Bounds the memory of a page: some 60 bytes each,
   * and the records that are made of them.
   */
  bodyElementsMax: z.int().min(1000).default(3_000_000),
  streams: z
    .record(name, streamSpec)
    .refine((streams) => Object.keys(streams).length > 0, 'a source has at least one stream'),
})

export type SourceSpec = z.infer<typeof sourceSpec>
export type StreamSpec = z.infer<typeof streamSpec>
export type WatermarkSpec = z.infer<typeof watermarkSpec>

type StreamInput<Schema extends z.ZodObject> = Omit<
  z.input<typeof streamSpec>,
  'schema' | 'primaryKey' | 'watermark'
> & {
  schema: Schema
  primaryKey: (keyof z.output<Schema> & string)[]
  watermark?: Omit<z.input<typeof watermarkSpec>, 'field'> & { field: keyof z.output<Schema> & string }
}

export type SourceInput<Schemas extends Record<string, z.ZodObject>> = Omit<z.input<typeof sourceSpec>, 'streams'> & {
  streams: { [Name in keyof Schemas]: StreamInput<Schemas[Name]> }
}

/**
 * Marks a module's default export as a declaration; it is checked when its file is loaded, so that errors can name the
 * file.
 */
export type Declared = { declared: 'headrace'; input: unknown }

export function defineSource<Schemas extends Record<string, z.ZodObject>>(input: SourceInput<Schemas>): Declared {
  return { declared: 'headrace', input }
}
