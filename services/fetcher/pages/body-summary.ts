/**
 * Describes a response body in a few words for an error message: by its own error, or by the names of its fields.
 * Bounded and on one line.
 */
import { excerptOf } from '../http/describe.ts'
import { rawText } from '../validate/deep-json.ts'

const NAMES_MAX = 10
const NAME_CHARS_MAX = 60
/** Compared without case, `-` and `_`. */
const ERROR_NAMES: ReadonlySet<string> = new Set(['error', 'errors', 'fault', 'exception', 'errormessage', 'errormsg'])
const SUCCESS_NAMES: ReadonlySet<string> = new Set(['success', 'successful', 'ok'])
const STATE_NAMES: ReadonlySet<string> = new Set(['status', 'statuscode', 'code', 'httpcode', 'errorcode'])
const FAILED_STATES = ['error', 'fail', 'failed', 'failure']
/** Statuses that some APIs repeat in the body. A 404 or 410 there mostly means that nothing was found. */
const isFailedStatus = (status: number): boolean => status >= 400 && status <= 599 && status !== 404 && status !== 410
/** Fields beside the array, or inside these objects, say whether the request succeeded. */
const ENVELOPES: ReadonlySet<string> = new Set(['meta', 'response', 'result', 'data', 'status', 'header', 'head'])
/** Fields to inspect, of a body that may have a million. */
const FIELDS_MAX = 50
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

/** The error that a body names, at its top or in its status object; null if it names none. */
export function errorIn(body: unknown): string | null {
  if (!isObject(body)) return null
  const names = namesIn(body, FIELDS_MAX)
  for (const name of names) if (isError(name, body[name])) return `${name} is ${excerptOf(textOf(body[name]))}`
  for (const name of names) {
    const inner = body[name]
    if (!ENVELOPES.has(comparable(name)) || !isObject(inner)) continue
    const found = namesIn(inner, FIELDS_MAX).find((each) => isError(each, inner[each]))
    if (found !== undefined) return `${name}.${found} is ${excerptOf(textOf(inner[found]))}`
  }
  return null
}

function isError(given: string, value: unknown): boolean {
  const name = comparable(given)
  if (ERROR_NAMES.has(name)) return !saysNothing(value)
  if (SUCCESS_NAMES.has(name)) return value === false || value === 'false'
  if (!STATE_NAMES.has(name)) return false
  if (typeof value === 'number') return isFailedStatus(value)
  return typeof value === 'string' && (FAILED_STATES.includes(value.toLowerCase()) || isFailedStatus(Number(value)))
}

/** Words that some APIs put in place of an error when there is none. */
const NO_ERRORS = ['', '0', 'false', 'null', 'none', 'ok', 'success', 'no error']

/** True also for an object such as `{ code: 0, message: '' }`. */
const saysNothing = (found: unknown): boolean =>
  found === undefined ||
  found === null ||
  found === false ||
  found === 0 ||
  (typeof found === 'string' && NO_ERRORS.includes(found.trim().toLowerCase())) ||
  (typeof found === 'object' && (namesIn(found, 1).length === 0 || saysNoError(found)))

const saysNoError = (found: object): boolean =>
  isObject(found) &&
  namesIn(found, FIELDS_MAX).every((name) => typeof found[name] !== 'object' && saysNothing(found[name]))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const comparable = (name: string): string =>
  name.length > NAME_CHARS_MAX ? name : name.toLowerCase().replace(/[-_]/g, '')

/** Does not read all fields of an object that may have a million. */
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
