/**
 * Sets and removes query parameters without changing a byte of the others. An API may have signed its next link, or may
 * compare it as text; URLSearchParams would rewrite all of it. Every function returns a copy.
 */
import { Stopped } from '#shared/errors.ts'

/**
 * `name` at the end, once for each value. Throws Stopped for a value that no URL can hold: in another form it would
 * request something else.
 */
export function withParam(url: URL, name: string, value: string | readonly string[]): URL {
  const values = [value].flat()
  if (!values.every((each) => each.isWellFormed()))
    throw new Stopped(
      'HR_PARAM_TEXT',
      `the value of the parameter "${name}" holds half of a surrogate pair, which no URL can hold`,
      {
        hint: 'such a cursor or key of the API cannot be sent back: ask the API to correct it, or page by another one',
      },
    )
  const copy = withoutParams(url, [name])
  const pairs = values.map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`).join('&')
  if (pairs !== '') copy.search = copy.search === '' ? pairs : `${copy.search}&${pairs}`
  return copy
}

export function withoutParams(url: URL, names: readonly string[]): URL {
  const copy = new URL(url)
  const pairs = copy.search.slice(1).split('&')
  const kept = pairs.filter((pair) => !names.includes(nameOf(pair)))
  if (kept.length < pairs.length) copy.search = kept.join('&')
  return copy
}

function nameOf(pair: string): string {
  const text = pair.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
