/**
 * The credentials of a source from the security schemes of its document: those that most of its operations take, as
 * names of environment variables. What the document cannot say, or a run cannot do, is a doubt.
 */
import { variableName } from '../declaration.ts'
import type { KnownCredentials, KnownText } from '../known.ts'
import type { Problems } from './problems.ts'
import type { Resolve } from './references.ts'
import { type Scheme, schemeOf, UNUSABLE } from './security-scheme.ts'
import { at, isTree, type Tree, treeAt } from './tree.ts'

export type FoundCredentials = {
  credentials: KnownCredentials | null
  /** Keys in headers beside other credentials. */
  headers: Record<string, KnownText>
  doubts: string[]
}

type Tools = { name: string; resolve: Resolve; problems: Problems }

const NONE: FoundCredentials = { credentials: null, headers: {}, doubts: [] }
/** Alternatives of one operation that are looked at. */
const ALTERNATIVES_MAX = 20

/** `securities`: of each operation its own, or undefined where that of the document holds. */
export function credentialsOf(root: Tree, securities: readonly unknown[], tools: Tools): FoundCredentials {
  const schemes = schemesOf(root, tools)
  const common = at(root, 'security')
  const stated = securities.map((own) => own ?? common).filter((each) => each !== undefined)
  const counts = new Map<string, { names: string[]; count: number }>()
  for (const security of stated) {
    for (const alternative of (Array.isArray(security) ? security : []).slice(0, ALTERNATIVES_MAX)) {
      const names = Object.keys(isTree(alternative) ? alternative : {}).sort()
      for (const name of names.filter((each) => !schemes.has(each)))
        tools.problems.report('security', `names "${name}", which securitySchemes does not have`)
      const key = JSON.stringify(names)
      counts.set(key, { names, count: (counts.get(key)?.count ?? 0) + 1 })
    }
  }
  const options = [...counts.values()].filter(
    ({ names }) => names.length > 0 && names.every((each) => schemes.has(each)),
  )
  if (options.length > 0) return chosen(options, schemes, tools.name)
  // Stated: nothing is needed, or only what is not declared.
  const [first] = [...schemes.values()].sort((a, b) => a.rank - b.rank)
  if (first === undefined || stated.some((security) => Array.isArray(security) && security.length === 0)) return NONE
  const found = combined([first], tools.name)
  const doubt = `the document declares credentials ("${first.name}") and does not say which requests need them`
  return { ...found, doubts: [doubt, ...found.doubts] }
}

function schemesOf(root: Tree, { resolve, problems }: Tools): Map<string, Scheme> {
  const given = Object.entries(treeAt(treeAt(root, 'components'), 'securitySchemes'))
  return new Map(given.map(([name, scheme]) => [name, schemeOf(name, resolve(scheme).value, problems)]))
}

function chosen(
  options: readonly { names: string[]; count: number }[],
  schemes: ReadonlyMap<string, Scheme>,
  name: string,
): FoundCredentials {
  const ranked = options
    .map(({ names, count }) => {
      const parts = names.map((each) => schemes.get(each)).filter((each) => each !== undefined)
      return { parts, count, rank: Math.max(...parts.map(({ rank }) => rank)), size: parts.length }
    })
    .sort(
      (a, b) =>
        Number(a.rank === UNUSABLE) - Number(b.rank === UNUSABLE) ||
        b.count - a.count ||
        a.rank - b.rank ||
        a.size - b.size,
    )
  const [best, ...others] = ranked
  if (best === undefined) return NONE
  const found = combined(best.parts, name)
  const also = others
    .filter(({ count }) => count === best.count)
    .map(({ parts }) => parts.map((each) => each.name).join(' with '))
  if (also.length === 0) return found
  return {
    ...found,
    doubts: [...found.doubts, `the API also takes these credentials instead: ${also.slice(0, 3).join(', ')}`],
  }
}

/** Schemes that go together. */
function combined(parts: readonly Scheme[], name: string): FoundCredentials {
  const variable = (what: string): string => variableName(name, what)
  const keys = parts.filter((part) => part.kind === 'key')
  const others = parts.filter((part) => part.kind !== 'key')
  const doubts = parts.flatMap(({ doubt }) => (doubt === null ? [] : [doubt]))
  const keyed = (list: readonly Scheme[]) =>
    Object.fromEntries(
      list.map(({ at: header }) => [header, { secret: variable(keys.length === 1 ? 'KEY' : wordOf(header)) }]),
    )
  const [first, ...more] = others
  if (first === undefined) {
    const [key] = keys
    if (key === undefined) return { ...NONE, doubts }
    const together = keys.filter((each) => each.in === key.in)
    for (const lost of keys.filter((each) => each.in !== key.in)) doubts.push(notSent(lost))
    return { credentials: { kind: 'api-key', in: key.in, keys: keyed(together) }, headers: {}, doubts }
  }
  for (const lost of [...more, ...keys.filter((each) => each.in === 'query')]) doubts.push(notSent(lost))
  return {
    credentials: first.credentials(variable),
    headers: keyed(keys.filter((each) => each.in === 'header')),
    doubts,
  }
}

const notSent = ({ name }: Scheme): string =>
  `the document wants "${name}" too, which does not go together with the other credentials: add it by hand`

/** X-App-Key: APP_KEY. */
const wordOf = (header: string): string =>
  header
    .toUpperCase()
    .replace(/^X-/, '')
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '') || 'KEY'
