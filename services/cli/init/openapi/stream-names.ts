/** Names for streams, from paths: the last word, with those before it where two would be alike. */
import { NAME_PATTERN } from '#shared/names.ts'

const CHARS_MAX = 60

/** One for each path, all different. */
export function streamNames(paths: readonly string[]): string[] {
  const taken = new Set<string>()
  const words = paths.map(wordsOf)
  return words.map((own) => {
    const alike = words.filter((others) => others.at(-1) === own.at(-1)).length
    const wanted = candidates(own, alike > 1)
    const name = wanted.find((each) => !taken.has(each)) ?? numbered(wanted.at(-1) ?? 'records', taken)
    taken.add(name)
    return name
  })
}

function candidates(words: readonly string[], alike: boolean): string[] {
  const names = words.map((_, index) =>
    words
      .slice(-index - 1)
      .join('_')
      .slice(0, CHARS_MAX),
  )
  // Where two end alike, the shortest path keeps the short name.
  const fit = (alike && words.length > 1 ? names.slice(1) : names).filter((name) => NAME_PATTERN.test(name))
  return fit.length > 0 ? fit : ['records']
}

function numbered(name: string, taken: ReadonlySet<string>): string {
  let number = 2
  while (taken.has(`${name}_${number}`)) number += 1
  return `${name}_${number}`
}

const wordsOf = (path: string): string[] => {
  const words = path
    .split('/')
    .filter((word) => word !== '' && !word.includes('{'))
    .map((word) =>
      word
        .replace(/\.(json|xml)$/i, '')
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .toLowerCase()
        .replace(/[^a-z0-9_-]+/g, '_')
        .replace(/^[^a-z]+|_+$/g, ''),
    )
    .filter((word) => word !== '' && !/^(v\d+(_\d+)?|api)$/.test(word))
  return words.length > 0 ? words : ['records']
}
