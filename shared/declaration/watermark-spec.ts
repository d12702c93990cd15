/** The `watermark` of a stream, as its author writes it. */
import { z } from 'zod'
import type { Step } from '../calendar.ts'
import { FORMS } from '../watermark.ts'
import { calendarDuration, duration } from './duration.ts'
import { pointer } from './paginate/paginate.ts'
import { countGiven } from './place.ts'
import { PLACES, placeFields, placeOrParam, placesNamed } from './request-place.ts'

const inMs = calendarDuration.transform((ms): Lookback => ({ ms }))
const inUnits = z
  .int()
  .min(0)
  .transform((units): Lookback => ({ units }))
/**
 * A Date for instants, a bigint for integers, else the text of the field. Declared as a method, so that an author may
 * write `(at: Date) => …`.
 */
export type WatermarkText = { write(position: Date | bigint | string): string }['write']

const ownText = z.custom<WatermarkText>((value) => typeof value === 'function', 'expected a form or a function')
type Lookback = { ms: Step; units?: undefined } | { ms?: undefined; units: number }

export const watermarkSpec = z
  .strictObject({
    /** The field that grows with each change: a required, top-level field of the schema, such as `'updated_at'`. */
    field: z.string(),
    ...placeFields,
    /**
     * For an API that cannot be asked for changes: the request does not hold the watermark. `'newest-first'`: records
     * come newest first, and the walk ends behind the watermark. `'everything'`: every record is walked. Either way,
     * records before the watermark are skipped, and unless `sorted` it moves at the end of the walk only.
     */
    walk: z.enum(['newest-first', 'everything']).optional(),
    /**
     * How it is written into the request: `'isoSeconds'`, `'epochMs'`, … Without it, the field's type says it. A
     * function gets the position: `(at: Date) => …` for instants, a bigint for integers, else the text. Its text may be
     * coarser than the field.
     */
    as: z.union([z.enum(FORMS), ownText]).optional(),
    /**
     * `'UTC'`: times without an offset are in UTC. Those of another zone are repeated when its clocks go back, and are
     * refused.
     */
    zone: z.string().optional(),
    /**
     * How far before the watermark each run asks again, for records that become visible late. A duration for instants,
     * such as `'5m'` or `'P1M'`; units for integers. @default 0
     */
    lookback: z
      .union([inMs, inUnits], 'expected a duration such as 5m, or a whole number of units from 0')
      .default({ units: 0 }),
    /**
     * True only if the API returns records in the order of this field. The watermark then moves page by page, otherwise
     * at the end of a run. @default false
     */
    sorted: z.boolean().default(false),
    /** True if the API excludes records that are equal to the parameter. @default false */
    exclusive: z.boolean().default(false),
    /**
     * The watermark stays this far before the start of a run, such as `'10m'`: for records that become visible late,
     * and in any order. @default '0s'
     */
    settle: duration.default(0),
    /** The place that requests changes before an end: `'until'` for a parameter, or `{ form: 'until' }`. */
    to: placeOrParam.optional(),
    /** A pointer into the JSON body that takes the end; the same as `to: { body: '…' }`. */
    toBody: pointer.optional(),
    /** True if the API includes records that are equal to `to`: one unit less is then requested. @default false */
    inclusiveEnd: z.boolean().default(false),
    /** Where the first run starts: `'2026-01-01T00:00:00Z'`, or as the field is written. Without it, all is read. */
    start: z.union([z.string(), z.number()]).optional(),
  })
  .refine((spec) => placesNamed(spec) <= 1, {
    error: `name the one place where the request takes the watermark: ${PLACES}`,
    path: ['param'],
    params: { rule: true },
  })
  .refine((spec) => countGiven(spec.to, spec.toBody) < 2, {
    error: 'name one place where the request takes the end: to or toBody',
    path: ['to'],
    params: { rule: true },
  })

export type WatermarkSpec = z.infer<typeof watermarkSpec>
