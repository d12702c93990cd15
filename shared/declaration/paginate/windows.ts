/**
 * A walk in time windows of the watermark, each walked by another kind of paging. It is for APIs that cap the results
 * of one query. It is also for unsorted streams, whose watermark then moves from window to window and not at the run's
 * end only.
 */
import { z } from 'zod'
import { longestMs } from '../../calendar.ts'
import { duration, positiveCalendarDuration, positiveDuration } from '../duration.ts'
import { countGiven, type Given, place, pointer } from '../place.ts'
import { placeOrParam } from '../request-place.ts'

/** `pages`: the kinds of paging that can walk a window. */
export const windowsSpecOf = <Pages extends z.ZodType>(pages: Pages) =>
  z
    .strictObject({
      kind: z.literal('windows'),
      /**
       * The place that takes a window's end: `'until'` for a parameter, or `{ form: 'until' }`. Its start goes where
       * the watermark goes. Without one, a function of the request has to.
       */
      to: placeOrParam.optional(),
      /** A pointer into the JSON body that takes the end; the same as `to: { body: '…' }`. */
      toBody: pointer.optional(),
      /** How long a window is: a duration, or months and years of the calendar in UTC: `'1d'`, `'P1M'`. */
      size: positiveCalendarDuration,
      /**
       * A window that hits the cap is halved, but not below this duration. Without it, one minute, or the parameter's
       * unit if that is longer.
       */
      min: positiveDuration.optional(),
      /**
       * The number of records beyond which a query returns no more; or where the body says whether it was capped:
       * `'/truncated'`.
       */
      cap: z
        .union([z.int().min(1), place], 'expected a number of records, or a place in the body that says true or false')
        .optional(),
      /** The last window ends this long before now: for records that become visible late. @default '0s' */
      settle: duration.default(0),
      /**
       * True if the API returns records that are equal to the end: the windows end one unit of the parameter earlier.
       * Omit it where the field is finer than the parameter: records on a boundary are then read twice, and nothing is
       * lost. @default false
       */
      inclusiveEnd: z.boolean().default(false),
      /** The paging inside a window: `pageNumber({ stop: 'empty' })`, `cursor({ … })`, … */
      pages,
    })
    .refine((spec) => countGiven(spec.to, spec.toBody) <= 1, {
      error: "name the one place where the request takes a window's end: to or toBody",
      path: ['to'],
      params: { rule: true },
    })
    .refine((spec) => spec.min === undefined || spec.min <= longestMs(spec.size), {
      error: 'is more than size',
      path: ['min'],
      params: { rule: true },
    })

type AnyWindows = ReturnType<typeof windowsSpecOf<z.ZodType>>
export type WindowsOptions = Omit<z.infer<AnyWindows>, 'pages'>

/**
 * Windows of time, as in `?since=…&until=…`: `windows({ to: 'until', size: '1d', cap: 1000, pages: pageNumber({ stop:
 * 'empty' }) })`.
 */
export const windows = <Pages>(
  spec: Omit<Given<AnyWindows>, 'pages'> & {
    /** The paging inside a window: `pageNumber({ stop: 'empty' })`, `cursor({ … })`, … */
    pages: Pages
  },
) => ({
  kind: 'windows' as const,
  ...spec,
})
