/**
 * What all decoders of records share: a reader takes a text part by part and returns the records that each part
 * completes. A body is read in slices, so that a large one does not block other streams, up to a number of elements.
 */
import type { Pace } from '#shared/clock.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import { TooManyElements } from '../transport/parse-in-slices.ts'

export type RecordReader = {
  /** Records that this part completes. Throws AttemptFailed. */
  read(text: string): Promise<unknown[]> | unknown[]
  /** The records of what is left. Throws AttemptFailed for a text that ends inside a record. */
  end(): Promise<unknown[]> | unknown[]
}

export type BodyTools = {
  /** Of one body: objects and arrays; eight other values count as one. */
  elementsMax: number
  pace: Pace
  signal: AbortSignal
}

/** Some milliseconds. */
export const SLICE_CHARS = 256 * 1024
const UNITS_OF_ELEMENT = 8

/** All records of a text. Throws AttemptFailed, TooManyElements, or the signal's reason. */
export async function allRecords(text: string, reader: RecordReader, tools: BodyTools): Promise<unknown[]> {
  const records: unknown[] = []
  const count = createCounter(tools.elementsMax)
  const take = (found: readonly unknown[]) => {
    for (const record of found) {
      count.value(record)
      records.push(record)
    }
  }
  for (let at = 0; at < text.length; at += SLICE_CHARS) {
    if (at > 0) await tools.pace.turn()
    tools.signal.throwIfAborted()
    take(await reader.read(text.slice(at, at + SLICE_CHARS)))
  }
  take(await reader.end())
  return records
}

export type Counter = {
  element(): void
  field(): void
  /** A record, with what is in it. Does not look into records of a body that is too short for too many elements. */
  value(record: unknown): void
}

/** Throws TooManyElements beyond the bound. */
export function createCounter(elementsMax: number): Counter {
  let units = 0
  const add = (more: number) => {
    units += more
    if (units > elementsMax * UNITS_OF_ELEMENT) throw new TooManyElements(`more than ${elementsMax} elements`)
  }
  return {
    element: () => add(UNITS_OF_ELEMENT),
    field: () => add(1),
    value(record) {
      const todo: unknown[] = [record]
      for (let value = todo.pop(); value !== undefined; value = todo.pop()) {
        if (typeof value !== 'object' || value === null) add(1)
        else {
          add(UNITS_OF_ELEMENT)
          for (const name in value) todo.push((value as Record<string, unknown>)[name] ?? null)
        }
      }
    },
  }
}

/** The body is whole and cannot be read: another attempt would not change it. */
export const unreadable = (what: string): AttemptFailed => new AttemptFailed('unreadable', what)
/** The body may arrive whole next time. */
export const cut = (what: string): AttemptFailed => new AttemptFailed('cut', what)

/** HTML is mostly a server in trouble. */
export function refuseHtml(text: string): void {
  if (/^\s*<(?:!doctype|html|head|body|\?xml)\b/i.test(text))
    throw new AttemptFailed('not_json', `the body is HTML or XML: ${excerptOf(text)}`)
}
