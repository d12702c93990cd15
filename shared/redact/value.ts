/**
 * Redacts secrets in what a person is shown or stores. Every secret is replaced in every text, and in the names and
 * numbers of a value too.
 */
import { setField } from '../set-field.ts'
import { REDACTED } from './mark.ts'
import { textRedactor } from './text.ts'

export type Redactor = {
  text(text: string): string
  /** A copy without secrets, in names and numbers too; what JSON cannot hold is dropped. */
  value<T>(value: T): T
}

/** `more`: redacts what is derived from secrets, such as a token; undefined for nothing. */
export function createRedactor(secrets: () => readonly string[], more?: (text: string) => string): Redactor {
  const redact = textRedactor(secrets)
  // What is made of several secrets is longer than each, so it is redacted first.
  const text = (given: string): string => redact(more === undefined ? given : more(given))
  const redactOne = (_name: string, value: unknown): unknown => {
    if (typeof value === 'string') return text(value)
    if (typeof value === 'number') return text(String(value)) === String(value) ? value : REDACTED
    return isRecord(value) && Object.keys(value).some((name) => text(name) !== name)
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [text(name), inner]))
      : value
  }
  return {
    text,
    value<T>(value: T): T {
      if (value === undefined) return value
      try {
        return JSON.parse(JSON.stringify(value, redactOne)) as T
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        // Nested deeper than JSON.stringify allows; a run accepts such a value as it is.
        return deepCopy(value, redactOne) as T
      }
    },
  }
}

type Place = { into: Record<string, unknown>; name: string; value: unknown }

/** As JSON.stringify and JSON.parse would copy it, without their recursion. */
function deepCopy(root: unknown, change: (name: string, value: unknown) => unknown): unknown {
  const holder: Record<string, unknown> = {}
  const todo: Place[] = [{ into: holder, name: 'root', value: root }]
  for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
    const { into, name } = place
    const value = change(name, place.value)
    const copy = Array.isArray(value)
      ? []
      : isRecord(value)
        ? {}
        : value === undefined && Array.isArray(into)
          ? null
          : value
    if (copy === undefined) continue
    setField(into, name, copy)
    if (typeof value !== 'object' || value === null) continue
    const inner = Object.entries(value)
    // Pushed in reverse order, since the last one pushed is taken next: fields keep their order.
    for (let at = inner.length - 1; at >= 0; at--)
      todo.push({ into: copy as Record<string, unknown>, name: inner[at]![0], value: inner[at]![1] })
  }
  return holder.root
}

export const NOTHING_REDACTED: Redactor = createRedactor(() => [])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
