/**
 * Query parameters set and taken away without touching a byte of the others: an API may have signed its next link, or compare it as text,
 * and URLSearchParams would write all of it anew. Every function returns a copy.
 */

/** `name` exactly once, at the end. */
export function withParam(url: URL, name: string, value: string): URL {
  const copy = withoutParams(url, [name])
  const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  copy.search = copy.search === '' ? pair : `${copy.search}&${pair}`
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
