/**
 * Keeps credentials out of what is stored and shown. Some APIs repeat the key or the token in their next links. A mark
 * replaces it, and the current credential returns when the link is requested. Guarantees: what `conceal` returns holds
 * no credential as a value of a query or a path. `reveal` restores the link with the current credentials. Pure.
 */
import { secretFinder } from '#shared/redact/text.ts'

/**
 * `id`: the name of its variable, or its kind; the same after a restart and for each later value. The current
 * credential comes first.
 */
export type Credential = {
  id: string
  value: string
  /** It identifies an account and proves nothing, such as a client id. */
  isName?: boolean
  /** It is known only after it was requested, and is soon replaced. */
  isToken?: boolean
}

/** Shorter values also occur in text that is not a credential. */
export const CREDENTIAL_CHARS_MIN = 8
/** A link inside a link inside a link. */
const ENCODINGS_MAX = 3
const MARK = /~credential\.([\w-]+)\.(\d)~/g

const markOf = ({ id }: Credential, encodings: number): string =>
  `~credential.${id.replace(/[^\w-]/g, '_')}.${encodings}~`

/** A copy with marks; the same URL if there is nothing to conceal. */
export function conceal(url: URL, known: readonly Credential[]): URL {
  const long = known.filter(({ value }) => value.length >= CREDENTIAL_CHARS_MIN)
  if (long.length === 0) return url
  const pathname = url.pathname.split('/').map((part) => concealPart(part, long, false))
  const pairs = url.search.slice(1).split('&')
  const search = pairs.map((pair) => pair.split('=').map((part) => concealPart(part, long, true)))
  const [path, query] = [pathname.join('/'), search.map((parts) => parts.join('=')).join('&')]
  if (path === url.pathname && query === url.search.slice(1)) return url
  const copy = new URL(url)
  copy.pathname = path
  copy.search = query
  return copy
}

function concealPart(part: string, known: readonly Credential[], isQuery: boolean): string {
  let decoded = part
  for (let encodings = 0; encodings <= ENCODINGS_MAX; encodings++) {
    const found = known.find(({ value }) => value === decoded)
    if (found !== undefined) return markOf(found, encodings)
    const next = decodedOnce(decoded, isQuery && encodings === 0)
    if (next === decoded) break
    decoded = next
  }
  return known.reduce(withMarks, part)
}

/** Inside a larger value, such as a link of its own. */
function withMarks(text: string, credential: Credential): string {
  let marked = text
  for (let encodings = 0; encodings <= ENCODINGS_MAX; encodings++)
    marked = marked.replaceAll(encodedBy(credential.value, encodings), markOf(credential, encodings))
  return marked
}

/** The link as it came, with the current credentials. A mark whose credential is unknown stays. */
export function reveal(url: URL, known: readonly Credential[]): URL {
  if (!hasMark(url)) return url
  const text = url.href.replace(MARK, (mark, _id: string, encodings: string) => {
    const current = known.find((each) => markOf(each, Number(encodings)) === mark)
    return current === undefined ? mark : encodedBy(current.value, Number(encodings))
  })
  return new URL(text)
}

/** For another origin: without the credentials that the link had. */
export const withoutMarks = (url: URL): URL => (hasMark(url) ? new URL(url.href.replace(MARK, '')) : url)

export const hasMark = (url: URL): boolean => url.href.search(MARK) !== -1

/** Tells whether a text holds a credential in any spelling: decoded up to a bound, and inside base64. */
export function credentialFinder(known: () => readonly Credential[]): (text: string) => boolean {
  const find = secretFinder(() =>
    known().flatMap(({ value, isName }) => (isName === true || value.length < CREDENTIAL_CHARS_MIN ? [] : [value])),
  )
  return (text) => {
    let decoded = text
    for (let encodings = 0; encodings <= ENCODINGS_MAX; encodings++) {
      if (find(decoded) || base64In(decoded).some(find)) return true
      const next = decodedOnce(decoded, false)
      if (next === decoded) return false
      decoded = next
    }
    return false
  }
}

const BASE64 = /[A-Za-z0-9+/_-]{11,}/g
/** Of one text; a cursor has one or two. */
const BASE64_PARTS_MAX = 32

const base64In = (text: string): string[] =>
  (text.match(BASE64) ?? []).slice(0, BASE64_PARTS_MAX).map((part) => Buffer.from(part, 'base64').toString('utf8'))

const encodedBy = (text: string, encodings: number): string =>
  encodings === 0 ? text : encodedBy(encodeURIComponent(text), encodings - 1)

/** Text that is not percent-encoded stays as it is. */
function decodedOnce(text: string, plusIsSpace: boolean): string {
  try {
    return decodeURIComponent(plusIsSpace ? text.replaceAll('+', ' ') : text)
  } catch {
    return text
  }
}
