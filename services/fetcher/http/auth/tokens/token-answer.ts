/**
 * Reads the answer of a token endpoint or a login: the token, how long it lives, and all the secrets in it. Defaults
 * are those of RFC 6749 section 5.1. Pure.
 */
import type { AnswerSpec, LifeSpec, TokenPlace } from '#shared/declaration/auth/token-request.ts'
import { instant } from '#shared/declaration/instant-field.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { isSecretName } from '#shared/redact/url.ts'
import { MINUTE_MS, SECOND_MS } from '#shared/units.ts'
import { jsonOf } from '../../decode/json-body.ts'
import { AttemptFailed } from '../../errors.ts'
import type { RawAnswer } from '../../transport/undici.ts'
import { NO_HEADER_VALUE } from '../../vetting.ts'
import { CREDENTIAL_CHARS_MIN } from '../conceal.ts'

/** `type` and `refreshToken`: null where the answer has none. */
export type AnswerPlaces = {
  token: TokenPlace
  type: string | null
  life: LifeSpec | undefined
  refreshToken: string | null
}
export type AnswerSecret = { name: string; value: string }

/** `lifeMs` is null if it is not known how long the token lives. */
export type IssuedToken = {
  value: string
  lifeMs: number | null
  refreshToken: string | null
  /** Everything in the answer that may be a secret besides the token. */
  secrets: readonly AnswerSecret[]
}

export const answerPlaces = ({ token, type, life, refreshToken }: AnswerSpec): AnswerPlaces => ({
  ...{ token, type, life, refreshToken },
})

/** Null if the answer has no token in its place. Throws AttemptFailed for a body that should be JSON and is not. */
export function readToken(
  answer: RawAnswer,
  places: AnswerPlaces,
  nowMs: number,
): (IssuedToken & { type: unknown }) | null {
  const body = bodyOf(answer, places.token)
  const value = tokenIn(answer, body, places.token)
  if (value === null) return null
  const at = (pointer: string | null) => (pointer === null ? undefined : valueAt(body, pointer))
  const refreshToken = at(places.refreshToken)
  return {
    value,
    lifeMs: lifeMsOf(places.life, body, nowMs),
    refreshToken: textOf(refreshToken),
    type: at(places.type),
    secrets: secretsOf(answer, body),
  }
}

function tokenIn(answer: RawAnswer, body: unknown, place: TokenPlace): string | null {
  const found =
    typeof place === 'string'
      ? valueAt(body, place)
      : 'header' in place
        ? answer.headers[place.header.toLowerCase()]
        : cookiesOf(answer).find(({ name }) => name === place.cookie)?.value
  const text = textOf(found)
  return text === null || NO_HEADER_VALUE.test(text) ? null : text
}

const textOf = (value: unknown): string | null => {
  const text = Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null
}

/** A token outside the body needs no body. A body that is the token may be text or JSON. */
function bodyOf(answer: RawAnswer, place: TokenPlace): unknown {
  if (typeof place === 'string' && place !== '') return jsonIn(answer)
  try {
    return jsonOf(answer)
  } catch {
    return /^\s*</.test(answer.text) ? null : answer.text
  }
}

/** A text that is not JSON may still hold a token, as a form does; an HTML page is for people. */
function jsonIn(answer: RawAnswer): unknown {
  try {
    return jsonOf(answer)
  } catch (error) {
    if (!(error instanceof AttemptFailed) || /^\s*</.test(answer.text)) throw error
    throw new AttemptFailed(error.reason, `the body is not JSON, with status ${answer.status}`)
  }
}

/** Some endpoints send numbers as text. A life that is over already is taken as none: a clock may be wrong. */
function lifeMsOf(spec: LifeSpec | undefined, body: unknown, nowMs: number): number | null {
  if (spec === undefined) return null
  if (typeof spec === 'number') return spec
  const { at, ...how } = typeof spec === 'string' ? { at: spec } : spec
  const stated = statedMs(valueAt(body, at), how, nowMs)
  return Number.isFinite(stated) && stated > 0 ? stated : (how.default ?? null)
}

type How = Partial<Exclude<LifeSpec, string | number>>

function statedMs(value: unknown, { as = 'seconds', formats, zone = 'UTC' }: How, nowMs: number): number {
  if (formats !== undefined || as === 'iso') {
    const read = instant({ ...(formats === undefined ? {} : { formats }), zone }).safeParse(value)
    return read.success ? Date.parse(read.data) - nowMs : Number.NaN
  }
  const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')
  const number = isNumber ? Number(value) : Number.NaN
  switch (as) {
    case 'seconds':
      return number * SECOND_MS
    case 'milliseconds':
      return number
    case 'minutes':
      return number * MINUTE_MS
    case 'epochSeconds':
      return number * SECOND_MS - nowMs
    case 'epochMs':
      return number - nowMs
  }
}

/** Values of one answer. */
const SECRETS_MAX = 16
const DEPTH_MAX = 6

/** Texts under a name that suggests a secret, and every cookie: an API may repeat them in links and errors. */
function secretsOf(answer: RawAnswer, body: unknown): AnswerSecret[] {
  const found: AnswerSecret[] = cookiesOf(answer)
    .filter(({ value }) => isLong(value))
    .map(({ name, value }) => ({ name: `cookie-${name}`, value }))
  function visit(value: unknown, path: string, isSecret: boolean, depth: number): void {
    if (found.length >= SECRETS_MAX || depth > DEPTH_MAX) return
    if (typeof value === 'string' && isSecret && isLong(value)) found.push({ name: path, value })
    if (typeof value !== 'object' || value === null) return
    for (const [name, each] of Object.entries(value)) visit(each, `${path}-${name}`, isSecretName(name), depth + 1)
  }
  visit(body, 'answer', false, 0)
  return found.slice(0, SECRETS_MAX)
}

const isLong = (value: string): boolean => value.length >= CREDENTIAL_CHARS_MIN

/** RFC 6265 section 5.2; the attributes are of no use here. */
const cookiesOf = ({ cookies = [] }: RawAnswer): { name: string; value: string }[] =>
  cookies.flatMap((text) => {
    const [, name, value] = /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(text) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value: value.trim() }]
  })
