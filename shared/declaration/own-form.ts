/**
 * An author's own form of a watermark in the request: a function from a position to its text. Its precision is found by
 * calling it, when the file is loaded. Positions are rounded down to that precision before they reach it. So the text
 * never means a later position, and equal records come again rather than being lost.
 */
import { messageOf } from '../errors.ts'
import { floorDiv, NS_PER_DAY, NS_PER_MS, NS_PER_SECOND } from '../instant.ts'
import { isInstant, type OwnForm, type Position, type WatermarkKind } from '../watermark.ts'
import type { Refuse } from './mistakes/mistakes.ts'
import type { WatermarkText } from './watermark-spec.ts'

const MINUTE_NS = 60n * NS_PER_SECOND
const UNITS_NS = [NS_PER_MS, NS_PER_SECOND, MINUTE_NS, 60n * MINUTE_NS, NS_PER_DAY]
/** An instant whose every part has another value. */
const PROBE_NS = BigInt(Date.UTC(2026, 2, 4, 5, 6, 7, 891)) * NS_PER_MS
const STEPS = [0n, 1n, 2n, 3n]

/** Throws what `refuse` makes for a function that throws, returns no text, or writes different days alike. */
export function ownForm(write: WatermarkText, kind: WatermarkKind, refuse: Refuse): OwnForm {
  const wrong = (what: string, hint: string) => refuse('watermark.as', what, hint)
  const instant = isInstant(kind)

  function text(position: Position): string {
    let found: unknown
    try {
      found = write(instant ? new Date(Number(floorDiv(BigInt(position), NS_PER_MS))) : position)
    } catch (error) {
      throw wrong(`the function throws: ${messageOf(error)}`, TAKES)
    }
    if (typeof found === 'string' && found !== '') return found
    throw wrong(`the function returns ${found === '' ? 'an empty text' : `no text, but a ${typeof found}`}`, TAKES)
  }

  if (kind === 'text') return { write: text, unitNs: 1n }
  if (!instant) {
    text(1n)
    return { write: text, unitNs: 1n }
  }
  const unitNs = UNITS_NS.find((unit) => {
    const from = floorDiv(PROBE_NS, unit) * unit
    return new Set(STEPS.map((step) => text(from + step * unit))).size === STEPS.length
  })
  if (unitNs !== undefined) return { write: text, unitNs }
  throw wrong('the function writes the same text for different days', 'write at least the day of the position')
}

const TAKES =
  'it gets a Date for an instant, a bigint for an integer, else the text, and returns its text in the request'
