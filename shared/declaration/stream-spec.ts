/** The shape of one stream of a declaration, as its author writes it, with its defaults. */
import { Cron } from 'croner'
import { z } from 'zod'
import { NAME_PATTERN } from '../names.ts'
import { DELETES_DEFAULT } from '../schema/json-schema.ts'
import { answersSpec } from './answers.ts'
import { decodeSpec } from './decode.ts'
import { discoverySpec } from './discovery.ts'
import { positiveDuration } from './duration.ts'
import { headers } from './headers.ts'
import { paginateSpec, place, pointer } from './paginate/paginate.ts'
import { deletionMark, recordFunction, recordPredicate } from './record-functions.ts'
import { bodyFunction, headersFunction, pairs, pairsFunction, pathFunction, scalars } from './request-functions.ts'
import { watermarkSpec } from './watermark-spec.ts'

/** The name of a source, a stream or a table. */
export const name = z
  .string()
  .regex(NAME_PATTERN, 'expected a name of lower-case letters, digits, _ and -, starting with a letter')
/** The argument of an envelope function. `Body`: what the author expects. */
export type EnvelopeContext<Body = unknown> = {
  /** The decoded body of the page. */
  body: Body
  /** Of the response, by lower-case names. */
  headers: Readonly<Record<string, string>>
  /** The values of the partition. */
  values: Readonly<Record<string, string | number | boolean>>
}

const partitionValue = z.string().regex(/^\{[^{}]+\}$/)
/** A method, so that an author may write `({ body }: EnvelopeContext<{ account: string }>) => body.account`. */
type EnvelopeFunction = { of(context: EnvelopeContext): unknown }['of']
const envelopeFunction = z.custom<EnvelopeFunction>((value) => typeof value === 'function')
const envelopePlace = z.union(
  [
    pointer,
    partitionValue,
    envelopeFunction,
    z.strictObject({
      /** The place; write `optional('/meta/account')`. */
      optional: z.union([pointer, partitionValue, envelopeFunction]),
    }),
  ],
  "expected a JSON pointer such as /meta/account_id, a partition value such as '{region}', or a function",
)
const zodType = z.custom<z.ZodType>((value) => value instanceof z.ZodType, {
  error: 'expected a type such as z.object({ … }) from the zod that headrace exports',
})
const zodObject = z.custom<z.ZodObject>((value) => value instanceof z.ZodObject, {
  error: 'expected z.object({ … }) from the zod that headrace exports',
})

function comesUp(text: string): boolean {
  try {
    return new Cron(text, { timezone: 'UTC', paused: true }).nextRun(new Date(0)) !== null
  } catch {
    return false
  }
}

export const streamSpec = z
  .strictObject({
    /** The HTTP method. A GET that has a body must be declared as such. @default 'GET' */
    method: z.enum(['GET', 'POST']).optional(),
    /**
     * Below `baseUrl`, such as `'/v1/orders'`. `{name}` takes a value of the partition: `'/accounts/{account}/orders'`.
     * A function is called for each page, as in all parts of the request.
     */
    path: z.union([z.string().regex(/^\//, 'expected a path that starts with /'), pathFunction]),
    /** Parameters of the query: `{ limit: 500 }`. A list of values repeats its name. @default {} */
    params: z.union([pairs, pairsFunction]).default({}),
    /** Headers of each request, beside those of the source. Credentials go into `auth`. @default {} */
    headers: z.union([headers, headersFunction]).default({}),
    /** A JSON body, with `method: 'POST'`: `{ status: ['open', 'paid'] }`. */
    body: z.union([z.record(z.string(), z.unknown()), bodyFunction]).optional(),
    /** Instead of `body`, a form (application/x-www-form-urlencoded), with `method: 'POST'`. */
    form: z.union([pairs, pairsFunction]).optional(),
    /** How the next page is requested: `cursor({ … })`, `linkHeader()`, … or `none()`. */
    paginate: paginateSpec,
    /** How the bytes of a response become its body: `csv()`, or `[gunzip(), jsonl()]`. Without it, they are JSON. */
    decode: decodeSpec.optional(),
    /**
     * Statuses by which the API refuses an expired cursor: the run then continues from the best watermark.
     * Without it 400, 404 and 410, unless `answers` names them.
     */
    expiredCursor: z.array(z.int().min(400).max(499)).optional(),
    /** What responses mean, where it differs from HTTP; precedes the rules of the source. */
    answers: answersSpec.optional(),
    /**
     * Where the body holds its array of records: `'/data'`, or a function of the body. Without it, the whole body, or
     * the nodes of a GraphQL connection. A response that lacks it fails, unless it is `optional('/data')`.
     */
    records: place.optional(),
    /**
     * Values of the page that are added to each raw record, by field: `{ account_id: '/meta/account', region:
     * '{region}' }`. A pointer into the body, a value of the partition, or a function.
     */
    envelope: z.record(z.string().min(1), envelopePlace).optional(),
    /**
     * The type of a raw record with its envelope, as `filter`, `deleted` and `map` get it. Each record is validated by
     * it first, and stays as it is. One that does not fit is a dead letter (`raw_invalid`). `z.custom<RawOrder>()`
     * types without a check.
     */
    raw: zodType.optional(),
    /**
     * Pure. Skips a raw record by returning false: `(raw) => raw.status !== 'draft'`. Like `deleted` and `map`, it may
     * have a second parameter: the record's context.
     */
    filter: recordPredicate.optional(),
    /**
     * Where a raw record says that it is deleted, such as `'/deleted'`, or a pure function that does. Its row then
     * disappears under FINAL.
     */
    deleted: deletionMark.optional(),
    /**
     * `'full-walk'`, for an API that does not report deletions. After a walk that returned everything, rows that it did
     * not return are marked deleted. A walk that would delete more than its bounds is withheld until a person releases
     * it.
     */
    deletes: z
      .union([
        z.enum(['full-walk']),
        z.strictObject({
          /** What shows that a row is deleted. */
          by: z.enum(['full-walk']),
          /**
           * Withheld above this share of the partition's rows, from 0 to 1, if it is at least `rowsMin` rows.
           * @default 0.2
           */
          shareMax: z.number().min(0).max(1).default(DELETES_DEFAULT.shareMax),
          /** Fewer rows than this are never withheld by their share. @default 10 */
          rowsMin: z.int().min(1).default(DELETES_DEFAULT.rowsMin),
          /** True: a walk may delete all existing rows, even when it returned no record at all. @default false */
          allowAll: z.boolean().default(DELETES_DEFAULT.allowAll),
        }),
      ])
      .optional(),
    /**
     * Pure. Reshapes a raw record before it is validated by `schema`; undefined skips it: `(raw, { values }) => …`.
     */
    map: recordFunction.optional(),
    /**
     * The record: `z.object({ id: z.string(), … })`. Validation, the registered JSON Schema and the table's columns
     * follow from it.
     */
    schema: zodObject,
    /**
     * What becomes of fields that the schema does not have: kept in the column `_extra`, dropped, rejected with their
     * record, or made columns. @default 'keep'
     */
    unknownFields: z.enum(['keep', 'drop', 'reject', 'columns']).default('keep'),
    /**
     * Fields that identify a record: `['id']`. `'record'`, where none do: a hash of its declared fields and of its
     * partition's values is the key.
     */
    primaryKey: z.union(
      [z.array(z.string()).min(1), z.literal('record')],
      "expected names of fields such as ['id'], or 'record' for records without a key of their own",
    ),
    /** With `primaryKey: 'record'`, the only fields that the hash covers: `['day', 'campaign_id']`. */
    recordKey: z.array(z.string()).min(1).optional(),
    /** How a run requests changes only. Without it, each run reads everything. */
    watermark: watermarkSpec.optional(),
    /**
     * Parts of the stream that are fetched side by side: the request values of each, such as `[{ region: 'eu' },
     * { region: 'us' }]`. Or a number that functions of the request divide by, `discover({ … })` or `parent({ … })`.
     * @default 1
     */
    partitions: z.union([z.array(scalars).min(1), z.int().min(1).max(1000), discoverySpec]).default(1),
    /** How often a run starts, as a duration: `'90s'`, `'1h'`. Without it and `cron`, every 5 minutes. */
    every: positiveDuration.optional(),
    /** When runs start, as a cron expression in UTC: `'0 6 * * 1'`. Instead of `every`. */
    cron: z.string().refine(comesUp, 'is not a cron expression with a next run').optional(),
    /** Most pages of one run; a run that has more fails. @default 100_000 */
    pagesMax: z.int().min(1).default(100_000),
    /** Most pages without a record one after the other; a run that has more fails. @default 10 */
    emptyPagesMax: z.int().min(1).default(10),
    /**
     * The share of rejected records in a run, from 0 to 1, above which it stops: the API has changed. A page of nothing
     * else stops it too. 1: it never stops. @default 0.25
     */
    rejectedShareMax: z.number().min(0).max(1).default(0.25),
    /** Name of the ClickHouse table. Without it, `<source>_<stream>`. */
    table: name.optional(),
    /** Partition key of the table, made of the primary key only: `'toYYYYMM(created_at)'`. */
    partitionBy: z.string().optional(),
  })
  .refine((spec) => !(spec.every !== undefined && spec.cron !== undefined), {
    error: 'give every or cron, not both',
    path: ['cron'],
    params: { rule: true },
  })

export type StreamSpec = z.infer<typeof streamSpec>
