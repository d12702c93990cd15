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
import { bodyFunction, headersFunction, pairsFunction, pathFunction } from './request-functions.ts'
import { watermarkSpec } from './watermark-spec.ts'

/** The name of a source, a stream or a table. */
export const name = z
  .string()
  .regex(NAME_PATTERN, 'expected a name of lower-case letters, digits, _ and -, starting with a letter')
const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number or a boolean')
const scalars = z.record(z.string(), scalar)
/** A list sends the name once for each of its values. */
const pairs = z.record(
  z.string(),
  z.union([scalar, z.array(scalar)], 'expected a text, a number or a boolean, or a list of them'),
)
/**
 * The argument of an envelope function: one page's body and headers (lower-case names), and the values of its
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
  "expected a JSON pointer such as /meta/account_id, a partition value such as '{region}', or a function",
)
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
    /** GET by default. A GET with a body names its method. */
    method: z.enum(['GET', 'POST']).optional(),
    /** A part of the request that is a function is computed for each page. */
    path: z.union([z.string().regex(/^\//, 'expected a path that starts with /'), pathFunction]),
    params: z.union([pairs, pairsFunction]).default({}),
    headers: z.union([headers, headersFunction]).default({}),
    /** A JSON body. */
    body: z.union([z.record(z.string(), z.unknown()), bodyFunction]).optional(),
    /** Or a form (application/x-www-form-urlencoded). */
    form: z.union([pairs, pairsFunction]).optional(),
    paginate: paginateSpec,
    /** How the bytes of an answer become its body, where they are not JSON. */
    decode: decodeSpec.optional(),
    /** Statuses by which the API refuses an expired cursor: the run then continues from the best watermark. */
    expiredCursor: z.array(z.int().min(400).max(499)).optional(),
    /** What its responses mean; precedes the rules of the source. */
    answers: answersSpec.optional(),
    /**
     * Where the response holds its array of records. The default is the whole body, or the nodes of a GraphQL
     * connection. A response without it fails.
     */
    records: place.optional(),
    /** Values of the page or its partition that are added to each raw record, by field. */
    envelope: z.record(z.string().min(1), envelopePlace).optional(),
    /**
     * Pure; on the raw record with its envelope, before map. False skips the record. Like `deleted` and `map`, it may
     * have a second parameter: the record's context.
     */
    filter: recordPredicate.optional(),
    /**
     * Where a raw record says that it is deleted, or a pure function that does: its row then disappears under FINAL.
     */
    deleted: deletionMark.optional(),
    /**
     * For an API that does not report deletions. After a walk that returned everything, rows that it did not return are
     * marked deleted. With bounds, a walk that would delete more is withheld until a person releases it.
     */
    deletes: z
      .union([
        z.enum(['full-walk']),
        z.strictObject({
          by: z.enum(['full-walk']),
          /** Withheld above this share of the partition's rows, from `rowsMin` rows on. 1: never withheld by share. */
          shareMax: z.number().min(0).max(1).default(DELETES_DEFAULT.shareMax),
          rowsMin: z.int().min(1).default(DELETES_DEFAULT.rowsMin),
          /** True: a walk may delete all existing rows, even when it returned no record at all. */
          allowAll: z.boolean().default(DELETES_DEFAULT.allowAll),
        }),
      ])
      .optional(),
    /** Pure; runs before validation. Returning undefined skips the record. */
    map: recordFunction.optional(),
    schema: zodObject,
    unknownFields: z.enum(['keep', 'drop', 'reject', 'columns']).default('keep'),
    /** Fields that identify a record, or 'record': a hash of its declared fields and of its partition's values does. */
    primaryKey: z.union(
      [z.array(z.string()).min(1), z.literal('record')],
      "expected names of fields such as ['id'], or 'record' for records without a key of their own",
    ),
    /** With primaryKey 'record': the only fields that the hash covers. */
    recordKey: z.array(z.string()).min(1).optional(),
    watermark: watermarkSpec.optional(),
    /**
     * Request values of each partition, or a number of partitions that a function of params distinguishes, or values
     * that are discovered.
     */
    partitions: z.union([z.array(scalars).min(1), z.int().min(1).max(1000), discoverySpec]).default(1),
    /** How often a run starts, or a cron expression (in UTC). */
    every: positiveDuration.optional(),
    cron: z.string().refine(comesUp, 'is not a cron expression with a next run').optional(),
    /** Bounds of one run. */
    pagesMax: z.int().min(1).default(100_000),
    emptyPagesMax: z.int().min(1).default(10),
    /**
     * The share of rejected records in a run above which it stops, as it does when a whole page is rejected: the API
     * has changed. 1: it never stops.
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

export type StreamSpec = z.infer<typeof streamSpec>
