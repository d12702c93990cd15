/**
 * The records of a stream over the month, by number and time alone. One in four is new for good, the others are new
 * versions of few keys. A bad one has a key of its own and never changes, so it stays until a fetcher has read it.
 */
import { DAY_MS } from '#shared/units.ts'
import { monthDay } from './plan.ts'

export type MonthRecord = { id: string; n: number; amount: number | string; note: string; updated_at: string }

export const RECORDS_A_DAY = 240
const RECORD_EVERY_MS = DAY_MS / RECORDS_A_DAY
const NEW_EVERY = 4
const KEYS = 100
/** Coprime to the keys, so that all of them come. */
const KEY_STEP = 37
const BAD_EVERY = 40
const BAD_AT = 7

export const recordAtMs = (number: number): number => number * RECORD_EVERY_MS
/** How many there are so many milliseconds after the start of the month. */
export const recordsUntil = (ms: number): number => Math.max(0, Math.floor(ms / RECORD_EVERY_MS))

export function monthRecord(number: number, startMs: number): { record: MonthRecord; bad: boolean } {
  const { newFields, changedTypes } = monthDay(Math.floor(number / RECORDS_A_DAY))
  const bad = changedTypes && number % BAD_EVERY === BAD_AT
  const extra = Object.fromEntries(Array.from({ length: newFields }, (_, field) => [`new_${field}`, `${number}`]))
  return {
    bad,
    record: {
      id: idOf(number, bad),
      n: number,
      amount: bad ? 'unknown' : number / 4,
      note: `the version ${number} of a record that a service of the month reads and loads`,
      updated_at: new Date(startMs + recordAtMs(number)).toISOString(),
      ...extra,
    },
  }
}

function idOf(number: number, bad: boolean): string {
  if (bad) return `bad-${number}`
  return number % NEW_EVERY === 0 ? `new-${number}` : `key-${(number * KEY_STEP) % KEYS}`
}
