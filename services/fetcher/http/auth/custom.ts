/**
 * Credentials that an author's function makes from a request, such as an HMAC of its body. It is called for every
 * attempt and must be pure. Its result goes into the copy that is sent to the source's own origin, and is never shown.
 * In the query it is redacted by its declared names.
 */

import type { AuthChanges, AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { headerMistake } from '#shared/declaration/headers.ts'
import { DeclarationError, messageOf } from '#shared/errors.ts'
import { textRedactor } from '#shared/redact/text.ts'
import { bodyText } from '../body-text.ts'
import type { PageRequest } from '../messages.ts'
import { withParam } from '../query.ts'
import type { Credentials } from './credentials.ts'
import { type LiveSecrets, stampOf } from './live-secrets.ts'
import type { TokenTools } from './tokens/token-request.ts'

/** Signatures of requests in flight, which an API may quote. */
const SIGNATURES_REDACTED_MAX = 64
/** A shorter part of a value is a word, a number or a date. */
const SIGNATURE_CHARS_MIN = 20

export function customCredentials(
  spec: AuthOf<'custom'>,
  source: Source,
  { clock, secrets: live }: Pick<TokenTools, 'clock'> & { secrets: LiveSecrets },
): Credentials {
  const refs = Object.values(spec.secrets)
  const values = () =>
    Object.freeze(Object.fromEntries(Object.entries(spec.secrets).map(([name, ref]) => [name, live.value(ref)])))
  values()
  let signatures: string[] = []
  const redact = textRedactor(() => [...live.known(), ...signatures])
  const refuse = (what: string, hint: string) =>
    new DeclarationError('HR_DECLARATION', `${source.file}, field auth.apply: ${what}`, { hint })

  function changesFor(request: PageRequest): AuthChanges {
    const { method, url, headers } = request
    const signed = {
      method,
      url: new URL(url),
      headers: { ...headers },
      body: bodyText(request)?.text,
    }
    let changes: unknown
    try {
      changes = spec.apply(signed, { secrets: values(), nowMs: clock.nowMs(), random: clock.random })
    } catch (error) {
      throw refuse(
        `the function throws: ${redact(messageOf(error))}`,
        'it gets the request and { secrets, nowMs, random }',
      )
    }
    const wrong = whatIsWrong(changes, spec.query)
    if (wrong !== null)
      throw refuse(wrong, 'it returns { headers: { … }, query: { … } } with texts, at once; query lists the parameters')
    return changes as AuthChanges
  }

  return {
    async apply(given) {
      const token = stampOf(live, refs)
      // The headers sent by default with a body are signed like all the others.
      const body = bodyText(given)
      const typed = body === null ? given.headers : { 'content-type': body.type, ...given.headers }
      let request: PageRequest = { ...given, headers: typed }
      const { headers = {}, query = {} } = changesFor(request)
      const parts = [...Object.values(headers), ...Object.values(query)].flatMap((value) => [
        value,
        ...value.split(/[\s,;:="]+/),
      ])
      signatures = [...parts.filter(({ length }) => length >= SIGNATURE_CHARS_MIN), ...signatures].slice(
        0,
        SIGNATURES_REDACTED_MAX,
      )
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
      request = { ...request, headers: { ...request.headers, ...Object.fromEntries(lower) } }
      for (const [name, value] of Object.entries(query))
        request = { ...request, url: withParam(request.url, name, value) }
      return { request, token }
    },
    async renew(token) {
      live.reload()
      return stampOf(live, refs) !== token
    },
    rejected: () => undefined,
    stamp: async () => stampOf(live, refs),
    redact,
    // Each request has its own signature: an old one that an API repeats is worthless. It may also be a date or a
    // number.
    known: () => [],
    hint: `check ${Object.values(spec.secrets)
      .map(({ name }) => name)
      .join(', ')}, what auth.apply makes of the request, and this machine's clock`,
    close: async () => undefined,
  }
}

/** Names what is wrong, never a value: values are made of secrets. */
function whatIsWrong(changes: unknown, declared: readonly string[]): string | null {
  if (!isRecord(changes)) return 'the function returns no object'
  if (changes instanceof Promise) return 'the function returns a promise'
  const other = Object.keys(changes).find((name) => name !== 'headers' && name !== 'query')
  if (other !== undefined) return `the function returns "${other}", and only headers and query can be changed`
  for (const part of ['headers', 'query'] as const) {
    const values = changes[part]
    if (values === undefined) continue
    if (!isRecord(values)) return `the function returns ${part} that are not an object`
    const noText = Object.keys(values).find((name) => typeof values[name] !== 'string')
    if (noText !== undefined) return `the function returns no text for ${noText} in ${part}`
    const mistake = part === 'headers' ? headerMistakeIn(values) : null
    if (mistake !== null) return mistake
    const undeclared = part === 'query' ? Object.keys(values).find((name) => !declared.includes(name)) : undefined
    if (undeclared !== undefined)
      return `the function sets the parameter "${undeclared}", which auth.query does not list`
  }
  return null
}

function headerMistakeIn(headers: Readonly<Record<string, unknown>>): string | null {
  for (const [name, value] of Object.entries(headers)) {
    const mistake = headerMistake(name, String(value))
    if (mistake !== null) return `the function returns the header ${name}, which ${mistake}`
  }
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
