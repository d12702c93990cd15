/**
 * Checks of discovered partitions. Their watermark must be an instant, since the slices of a partition share one
 * watermark. The parent streams that they name must exist and must not form a cycle. What pointers and lists name is
 * known here: every placeholder of the path, and no value twice.
 */
import { isInstant } from '../../watermark.ts'
import type { Watermarking } from '../compile-watermark.ts'
import type { DiscoverySpec } from '../discovery.ts'
import { isList, namesOf, type ParentOfPart, partsIn, placedParents, placedParts } from '../discovery-parts.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import { listPointerOf, type ParentPointers, parentValuesOf, sliceValueName } from '../parent.ts'
import type { StreamSpec } from '../source-spec.ts'
import { checkIncremental, checkIncrementalParent, type DeclaredParent } from './incremental-parents.ts'

export function checkDiscovery(
  { partitions, deletes, path }: StreamSpec,
  watermark: Watermarking | null,
  refuse: Refuse,
): void {
  if (typeof partitions !== 'object' || Array.isArray(partitions)) return
  // The records of a slice that is missing for a while would be marked deleted. Being unchanged, they would not be
  // published again.
  if (deletes !== undefined) {
    throw refuse(
      'deletes',
      'with discovered partitions a full walk does not show what is deleted',
      'list the partitions, or remove deletes',
    )
  }
  for (const { parent, field } of placedParents(partitions)) checkPointers(parent, field, refuse)
  refuseTwice(partitions, refuse)
  checkIncremental(partitions, refuse)
  checkPath(partitions, path, refuse)
  if (watermark === null || isInstant(watermark.kind)) return
  throw refuse(
    'watermark.field',
    `"${watermark.field}" is not a timestamp: the slices of a partition share one watermark`,
    'use a timestamp (z.iso.datetime(), epochMs()), or no watermark',
  )
}

function checkPointers({ values, extra = {} }: ParentOfPart, field: string, refuse: Refuse): void {
  const { at } = parentValuesOf(values)
  const taken = typeof at === 'function' ? {} : at
  for (const name of Object.keys(extra)) {
    if (Object.hasOwn(taken, name))
      throw refuse(`${field}.extra.${name}`, 'is a value of the slice already', 'name it in one of them')
    if (typeof at === 'function' && listPointerOf(extra[name] ?? '') !== null)
      throw refuse(
        `${field}.extra.${name}`,
        'takes every element of a list, but values is a function',
        'write values as pointers',
      )
  }
  checkLists({ ...taken, ...extra }, `${field}.values`, refuse)
}

/** All pointers through a list must go through the same one: a slice is one element. */
function checkLists(pointers: ParentPointers, field: string, refuse: Refuse): void {
  const lists = Object.entries(pointers).flatMap(([name, pointer]) => {
    const through = listPointerOf(pointer)
    return through === null ? [] : [{ name, ...through }]
  })
  const [first] = lists
  if (first === undefined) return
  const other = lists.find(({ list }) => list !== first.list)
  if (other !== undefined) {
    throw refuse(
      field,
      `"${first.name}" and "${other.name}" take elements of two lists, ${first.list}/* and ${other.list}/*`,
      'take both from one list, or return the value sets by a function',
    )
  }
  checkLists(Object.fromEntries(lists.map(({ name, element }) => [name, element])), field, refuse)
}

function refuseTwice(spec: DiscoverySpec, refuse: Refuse): void {
  for (const { part, field } of placedParts(spec)) {
    if (isList(part) || part.kind !== 'product') continue
    const parts = partsIn(part)
    for (const [index, each] of parts.entries()) {
      const twin = parts.slice(0, index).findIndex((before) => sharedName(before, each) !== undefined)
      if (twin === -1) continue
      throw refuse(
        `${field}.of[${index}]`,
        `has the value "${sharedName(parts[twin] ?? [], each)}", and so has of[${twin}]`,
        'give each value in one of them',
      )
    }
  }
}

function sharedName(a: Parameters<typeof namesOf>[0], b: Parameters<typeof namesOf>[0]): string | undefined {
  const [ofA, ofB] = [namesOf(a), namesOf(b)]
  return ofA === null || ofB === null ? undefined : [...ofA.any].find((name) => ofB.any.has(name))
}

function checkPath(spec: DiscoverySpec, path: StreamSpec['path'], refuse: Refuse): void {
  const names = namesOf(spec)
  if (names === null || typeof path !== 'string') return
  const lacking = [...path.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name ?? '').find((name) => !names.all.has(name))
  if (lacking === undefined) return
  const has = names.all.size === 0 ? 'no value is in all of them' : `they have: ${[...names.all].join(', ')}`
  throw refuse('path', `{${lacking}} has no value`, `name it in partitions; ${has}`)
}

type Make = (stream: string, field: string, what: string, hint: string) => Error

export function checkParents(streams: readonly DeclaredParent[], mistake: Make): void {
  const byName = new Map(streams.map((stream) => [stream.name, stream]))
  for (const { name, discovery } of streams) {
    for (const { parent, field } of placedParents(discovery)) {
      const found = byName.get(parent.stream)
      if (found === undefined)
        throw mistake(
          name,
          `${field}.stream`,
          `the source has no stream "${parent.stream}"`,
          `it has: ${[...byName.keys()].join(', ')}`,
        )
      const refuse = (part: string, what: string, hint: string) => mistake(name, `${field}.${part}`, what, hint)
      checkSliceValues(parent, found, refuse)
      if (parent.incremental !== undefined) checkIncrementalParent(found, refuse)
    }
  }
  for (const { name } of streams) refuseCycle([name], byName, mistake)
}

function refuseCycle(path: readonly string[], byName: ReadonlyMap<string, DeclaredParent>, mistake: Make): void {
  const [name = ''] = path
  for (const { parent, field } of placedParents(byName.get(path.at(-1) ?? '')?.discovery ?? null)) {
    const longer = [...path, parent.stream]
    if (path.includes(parent.stream))
      throw mistake(
        name,
        path.length === 1 ? `${field}.stream` : 'partitions.stream',
        `is its own parent: ${longer.join(' → ')}`,
        'choose a stream that does not depend on this one',
      )
    refuseCycle(longer, byName, mistake)
  }
}

/** `{name}` must be a value of every slice of the parent, as far as they are known. */
function checkSliceValues(
  { values, extra = {} }: ParentOfPart,
  parent: DeclaredParent,
  refuse: (field: string, what: string, hint: string) => Error,
): void {
  const { at } = parentValuesOf(values)
  const named = parent.discovery === null ? namesOf(parent.partitions) : namesOf(parent.discovery)
  if (named === null) return
  const given = [
    ...Object.entries(typeof at === 'function' ? {} : at).map(
      ([name, pointer]) => [`values.${name}`, pointer] as const,
    ),
    ...Object.entries(extra).map(([name, pointer]) => [`extra.${name}`, pointer] as const),
  ]
  for (const [field, pointer] of given) {
    const name = sliceValueName(pointer)
    if (name === null || named.all.has(name)) continue
    const has = named.all.size === 0 ? 'none' : [...named.all].join(', ')
    throw refuse(field, `the partitions of ${parent.name} have no value {${name}}`, `they have: ${has}`)
  }
}
