/**
 * The wait that a response states where the author says it does (`answers.waits`): a number, a duration or a date.
 * Pure. Precedes the usual headers. The longest of several wins, and a value that makes no sense is reported and
 * ignored. Points in time are compared with the server's own Date.
 */
import { type WaitSpec, waitPlace } from '#shared/declaration/waits.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { SECOND_MS } from '#shared/units.ts'
import type { PageResponse } from '../messages.ts'
import { durationTextMs } from './duration-text.ts'
import { EPOCH_MS_MIN, EPOCH_SECONDS_MIN, HINT_MAX_MS, instantOf } from './retry-after.ts'

type Facts = Pick<PageResponse, 'headers' | 'body'>

const NUMBER = /^-?\d{1,16}(\.\d+)?$/

/** Milliseconds; null if the response states none. `onInvalid`: called with what is wrong. */
export function statedWait(
  waits: readonly WaitSpec[],
  { headers, body }: Facts,
  nowMs: number,
  onInvalid: (note: string) => void,
): number | null {
  const serverMs = instantOf(headers.date) ?? nowMs
  let longest: number | null = null
  for (const wait of waits) {
    const value = wait.header === undefined ? valueAt(body, wait.body ?? '') : headers[wait.header]
    if (value === undefined || value === null || value === '') continue
    const waitMs = waitOf(value, wait, serverMs)
    if (waitMs === null || waitMs > HINT_MAX_MS) {
      onInvalid(`answers.waits: ${waitPlace(wait)} has no wait${formOf(wait)}; the usual rules apply`)
    } else if (waitMs > 0) longest = Math.max(longest ?? 0, Math.ceil(waitMs))
  }
  return longest
}

const formOf = ({ as, unit }: WaitSpec): string => {
  const words = [as, unit].filter((word) => word !== undefined)
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

/** Not positive for a time that is over. */
function waitOf(value: unknown, wait: WaitSpec, serverMs: number): number | null {
  if (typeof value === 'number') return numberWait(value, wait, serverMs)
  if (typeof value !== 'string') return null
  const whole = textWait(value.trim(), wait, serverMs)
  if (whole !== null || wait.header === undefined) return whole
  // A header that is repeated.
  const parts = value.split(',').map((part) => textWait(part.trim(), wait, serverMs))
  return parts.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)))
}

function textWait(text: string, wait: WaitSpec, serverMs: number): number | null {
  if (NUMBER.test(text)) return numberWait(Number(text), wait, serverMs)
  const durationMs = wait.as === 'epoch' ? null : durationTextMs(text)
  if (durationMs !== null) return durationMs
  const atMs = wait.as === 'delta' ? null : instantOf(text)
  return atMs === null ? null : atMs - serverMs
}

function numberWait(number: number, { as, unit }: WaitSpec, serverMs: number): number | null {
  if (!Number.isFinite(number)) return null
  const isTime = as === 'epoch' || (as === undefined && number >= EPOCH_SECONDS_MIN)
  if (!isTime) return number * (unit === 'ms' ? 1 : SECOND_MS)
  const inMs = unit === undefined || as === undefined ? number >= EPOCH_MS_MIN : unit === 'ms'
  return number * (inMs ? 1 : SECOND_MS) - serverMs
}
