/** The parts of discovered partitions, each with its field in the declaration, and the values that it surely names. */
import type { DiscoveryPart, DiscoverySpec } from './discovery.ts'
import { parentValuesOf } from './parent.ts'

export type PlacedPart = { part: DiscoveryPart | DiscoverySpec; field: string }
type Part = PlacedPart['part']
export type ParentOfPart = Extract<DiscoveryPart, { kind: 'parent' }>

export const isList = (part: Part): part is Extract<DiscoveryPart, readonly unknown[]> => Array.isArray(part)
export const partsIn = (part: Part): readonly DiscoveryPart[] =>
  !isList(part) && (part.kind === 'product' || part.kind === 'union') ? part.of : []

/** The part itself and all parts inside it. */
export function placedParts(part: Part, field = 'partitions'): PlacedPart[] {
  return [{ part, field }, ...partsIn(part).flatMap((each, index) => placedParts(each, `${field}.of[${index}]`))]
}

/** The parents that a stream names. */
export function placedParents(spec: DiscoverySpec | null): { parent: ParentOfPart; field: string }[] {
  if (spec === null) return []
  return placedParts(spec).flatMap(({ part, field }) =>
    !isList(part) && part.kind === 'parent' ? [{ parent: part, field }] : [],
  )
}

/** Of the parent that is read incrementally; null without one. */
export const incrementalParent = (spec: DiscoverySpec | null): { fullEvery: number } | null =>
  placedParents(spec).find(({ parent }) => parent.incremental !== undefined)?.parent.incremental ?? null

/** Of values that do not identify a slice. */
export const extraNames = (spec: DiscoverySpec | null): string[] =>
  placedParents(spec).flatMap(({ parent }) => Object.keys(parent.extra ?? {}))

/** `all`: in every slice. `any`: in some. Null for a function, whose values are known when it has returned. */
export type ValueNames = { all: ReadonlySet<string>; any: ReadonlySet<string> } | null

export function namesOf(part: Part): ValueNames {
  if (isList(part)) return either(part.map((values) => same(Object.keys(values))))
  if (part.kind === 'discover') return null
  if (part.kind === 'parent') {
    const { at } = parentValuesOf(part.values)
    return typeof at === 'function' ? null : same([...Object.keys(at), ...Object.keys(part.extra ?? {})])
  }
  const inner = part.of.map(namesOf)
  return part.kind === 'union' ? either(inner) : both(inner)
}

function same(names: readonly string[]): ValueNames {
  const all = new Set(names)
  return { all, any: all }
}

function either(parts: readonly ValueNames[]): ValueNames {
  const known = knownOf(parts)
  if (known === null) return null
  const any = new Set(known.flatMap((each) => [...each.any]))
  return { all: new Set([...any].filter((name) => known.every(({ all }) => all.has(name)))), any }
}

function both(parts: readonly ValueNames[]): ValueNames {
  const known = knownOf(parts)
  if (known === null) return null
  return {
    all: new Set(known.flatMap(({ all }) => [...all])),
    any: new Set(known.flatMap(({ any }) => [...any])),
  }
}

const knownOf = (parts: readonly ValueNames[]) => (parts.includes(null) ? null : parts.filter((each) => each !== null))
