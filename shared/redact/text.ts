/**
 * Redacts secrets in a text that an API wrote: some quote the key that they refuse, or the whole header. A secret is
 * found in each form that it takes in URLs, forms, headers, JSON and HTML. It is also found in base64 inside a larger
 * text (a whole `Bearer …` or `Basic …` value). Where the text was cut ("…"), the remaining beginning of a secret is
 * found.
 */

import { formEncoded } from '../basic-pair.ts'
import { REDACTED } from './mark.ts'

/** Shorter values also occur in words that are not secrets. */
const SECRET_CHARS_MIN = 4
/** Characters of a base64 text that only the secret decides; fewer would match too often by chance. */
const BASE64_CHARS_MIN = 6
const BASE64_CHAR = /[A-Za-z0-9+/_=-]/
const CUT = '…'

/** `secrets` is read for each text, since a token changes. */
export function textRedactor(secrets: () => readonly string[]): (text: string) => string {
  let known: readonly string[] = []
  let forms: Forms | null = null
  return (text) => {
    const given = secrets()
    if (given.length !== known.length || given.some((secret, index) => secret !== known[index])) {
      known = [...given]
      forms = formsOf(known)
    }
    if (forms === null) return text
    const { plain, base64, cut } = forms
    let shown = base64 === null ? text : withoutBase64(text, base64)
    shown = shown.replace(plain, REDACTED)
    if (shown.includes(CUT)) for (const form of cut) shown = withoutBeginning(shown, form)
    return shown
  }
}

/** Tells whether one of the secrets is in a text, in any of the forms that are redacted. */
export function secretFinder(secrets: () => readonly string[]): (text: string) => boolean {
  const redact = textRedactor(secrets)
  // The beginning of a secret before the mark of a cut does not count: a few characters prove nothing.
  return (text) => {
    const whole = text.replaceAll(CUT, '')
    return redact(whole) !== whole
  }
}

type Forms = { plain: RegExp; base64: RegExp | null; cut: readonly string[] }

function formsOf(secrets: readonly string[]): Forms | null {
  const long = secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN)
  if (long.length === 0) return null
  const plain = longestFirst(long.flatMap((secret) => [secret, ...base64Of(secret)]))
  const inside = longestFirst(long.flatMap(insideBase64))
  return {
    plain: anyOf(plain),
    base64: inside.length === 0 ? null : anyOf(inside),
    cut: longestFirst([...long.flatMap(writtenOf), ...plain, ...inside]),
  }
}

/** When one form contains another, the longest must match first, so nothing of it is left. */
const longestFirst = (forms: readonly string[]): string[] => [...new Set(forms)].sort((a, b) => b.length - a.length)

const anyOf = (forms: readonly string[]): RegExp =>
  new RegExp(forms.map((form) => [...form].map(charForms).join('')).join('|'), 'g')

const NAMED: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

/**
 * One character of a secret in every escaped form: %2B, %252B, \u002B, \/, &#43;. Nobody escapes letters and digits.
 */
function charForms(char: string): string {
  if (/[A-Za-z0-9]/.test(char)) return char
  if (/\s/.test(char)) return String.raw`(?:\s|\\[nrt]|%(?:25)?(?:20|09|0[AaDd])|\+)+`
  const code = char.codePointAt(0) ?? 0
  const percent = [...Buffer.from(char, 'utf8')]
    .map((byte) => `%(?:25)?${anyCase(byte.toString(16).padStart(2, '0'))}`)
    .join('')
  const unicode = [...Array(char.length).keys()]
    .map((at) => `\\\\u${anyCase(char.charCodeAt(at).toString(16).padStart(4, '0'))}`)
    .join('')
  const named = NAMED[char]
  const html = `&(?:#0*${code}|#[xX]0*${anyCase(code.toString(16))}${named === undefined ? '' : `|${named}`});`
  return `(?:\\\\?${escaped(char)}|${percent}|${unicode}|${html})`
}

const escaped = (char: string): string => (/[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char)
const anyCase = (hex: string): string => hex.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)

function base64Of(secret: string): string[] {
  const text = Buffer.from(secret, 'utf8').toString('base64')
  return [text, text.replace(/=+$/, '')].flatMap((form) => [form, urlSafe(form)])
}

const urlSafe = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_')

/**
 * The base64 characters that only the secret decides, at each position within a larger text. Each 3 bytes become 4
 * characters.
 */
function insideBase64(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8')
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const certain = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return certain.length < BASE64_CHARS_MIN ? [] : [certain, urlSafe(certain)]
  })
}

/** Removes the whole base64 text: its edges hold parts of the secret's first and last byte. */
function withoutBase64(text: string, inside: RegExp): string {
  let shown = ''
  let doneTo = 0
  for (const match of text.matchAll(inside)) {
    if (match.index < doneTo) continue
    let from = match.index
    let to = from + match[0].length
    while (from > doneTo && BASE64_CHAR.test(text.charAt(from - 1))) from -= 1
    while (to < text.length && BASE64_CHAR.test(text.charAt(to))) to += 1
    shown += `${text.slice(doneTo, from)}${REDACTED}`
    doneTo = to
  }
  return shown + text.slice(doneTo)
}

/** As URLs, forms, JSON and excerpts write it. */
const writtenOf = (secret: string): string[] => [
  encodeURIComponent(secret),
  formEncoded(secret),
  JSON.stringify(secret).slice(1, -1),
  secret.replace(/\s+/g, ' '),
]

function withoutBeginning(text: string, form: string): string {
  let shown = text
  for (let at = shown.indexOf(CUT); at >= 0; at = shown.indexOf(CUT, at + 1)) {
    let length = Math.min(form.length - 1, at)
    while (length >= SECRET_CHARS_MIN && !shown.startsWith(form.slice(0, length), at - length)) length -= 1
    if (length < SECRET_CHARS_MIN) continue
    shown = `${shown.slice(0, at - length)}${REDACTED}${shown.slice(at)}`
    at = at - length + REDACTED.length
  }
  return shown
}
