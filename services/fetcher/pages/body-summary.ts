/** What a response has, in a few words for an error: an error of its own, or the names of its fields. Bounded and on one line. */
import { excerptOf } from '../client/excerpt.ts'
import { rawText } from '../raw-text.ts'

const NAMES_MAX = 10
const NAME_CHARS_MAX = 60
const ERROR_NAMES = ['error', 'errors', 'fault', 'exception'] as const
/** Enough for an excerpt, whatever is in the value. */
const ERROR_CHARS_MAX = 1_000

export function summaryOf(body: unknown): string {
  if (body === null || body === undefined || body === '') return 'the body is empty'
  if (Array.isArray(body)) return `the body is an array of ${body.length}`
  if (typeof body !== 'object') return `the body is a ${typeof body}`
  const names = namesIn(body, NAMES_MAX + 1)
  if (names.length === 0) return 'the body is an empty object'
  const shown = names.slice(0, NAMES_MAX).map(shortened).join(', ')
  const fields = `it has ${excerptOf(shown)}${names.length > NAMES_MAX ? ', …' : ''}`
  const error = errorIn(body)
  return error === null ? fields : `${fields}: ${error}`
}

/** The error that a body names at its top; null if it names none. */
export function errorIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null
  for (const name of ERROR_NAMES) {
    const found = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined
    if (saysNothing(found)) continue
    return `${name} is ${excerptOf(textOf(found))}`
  }
  return null
}

const saysNothing = (found: unknown): boolean =>
  found === undefined ||
  found === null ||
  found === false ||
  found === 0 ||
  found === '' ||
  (typeof found === 'object' && namesIn(found, 1).length === 0)

/** Without reading all of an object that may have a million fields. */
function namesIn(value: object, max: number): string[] {
  const names: string[] = []
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue
    names.push(name)
    if (names.length >= max) break
  }
  return names
}

const shortened = (name: string): string => (name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name)

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, ERROR_CHARS_MAX)
  const [first] = Array.isArray(value) ? value : [value]
  return rawText(first).slice(0, ERROR_CHARS_MAX)
}
