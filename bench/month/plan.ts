/**
 * What happens on which day of the simulated month. Pure: the same day is the same in every run. How the API fails
 * rotates by a week whose last day is calm. Both services are deployed each day, and a third process of one of them
 * joins and leaves.
 */
import type { WayKind } from '../../test/support/failing-ways.ts'

export const SERVICES = ['fetcher', 'loader'] as const
export type Service = (typeof SERVICES)[number]
export type Failing = WayKind | 'tokens' | 'slow' | 'none'
export type MonthDay = {
  failing: Failing
  /** Of all requests while it fails. */
  share: number
  /** Fields that the schema does not know, in every record from now on. */
  newFields: number
  /** Some records have a text where the schema has a number. */
  changedTypes: boolean
  joins: Service
}
/** What is done when, in shares of a day. The API fails until `healed`, and the rest of the day is for the measure. */
export type Step = { at: number; does: 'deploy' | 'join' | 'leave' | 'heal' | 'measure'; service: Service | null }

const WEEK: readonly Failing[] = ['limits', 'errors', 'resets', 'tokens', 'slow', 'damage', 'none']
const FAILING_SHARE = 0.06
const NEW_FIELD_EVERY_DAYS = 5
const NEW_FIELD_ON = 2
const CHANGED_TYPES_EVERY_DAYS = 4
const CHANGED_TYPES_ON = 1

/** `day` counts from 0. */
export function monthDay(day: number): MonthDay {
  const failing = WEEK[day % WEEK.length] ?? 'none'
  return {
    failing,
    share: failing === 'none' ? 0 : FAILING_SHARE,
    newFields: Math.floor((day + NEW_FIELD_EVERY_DAYS - NEW_FIELD_ON) / NEW_FIELD_EVERY_DAYS),
    changedTypes: day % CHANGED_TYPES_EVERY_DAYS === CHANGED_TYPES_ON,
    joins: day % 2 === 0 ? 'fetcher' : 'loader',
  }
}

export function stepsOf({ joins }: MonthDay): readonly Step[] {
  return [
    { at: 0.1, does: 'deploy', service: 'fetcher' },
    { at: 0.3, does: 'deploy', service: 'loader' },
    { at: 0.45, does: 'join', service: joins },
    { at: 0.65, does: 'leave', service: joins },
    { at: 0.7, does: 'heal', service: null },
    { at: 0.9, does: 'measure', service: null },
  ]
}
