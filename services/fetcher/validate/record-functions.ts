/**
 * The author's functions over one raw record, as validation calls them. Those that take the record's context get it.
 * The others are called as they are, so that a stream without such functions pays nothing for them.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { extraNames } from '#shared/declaration/discovery-parts.ts'
import { type RecordContext, takesContext } from '#shared/declaration/record-functions.ts'
import type { EnvelopeContext } from '#shared/declaration/source-spec.ts'
import { deletionOf } from './tombstones.ts'

export type RecordFunctions = {
  filter: ((raw: unknown) => boolean) | null
  isDeleted: ((raw: unknown) => boolean) | null
  map: ((raw: unknown) => unknown) | null
}
type Declared = Pick<Stream, 'filter' | 'deleted' | 'map'> & { discovery?: Stream['discovery'] }

/** The functions for the records of one page. `values`: those of its partition. */
export type FunctionsOfPage = (page: EnvelopeContext | undefined, values: EnvelopeContext['values']) => RecordFunctions

export function functionsFor(declared: Declared): FunctionsOfPage {
  const extras = extraNames(declared.discovery ?? null)
  const plain = bound(declared, withoutPage({}, extras))
  return takesContext(declared) ? (page, values) => bound(declared, contextOf(page, values, extras)) : () => plain
}

function bound({ filter, deleted, map }: Declared, context: RecordContext): RecordFunctions {
  const withContext = <Returned>(call: (raw: unknown, context: RecordContext) => Returned) =>
    call.length > 1 ? (raw: unknown) => call(raw, context) : (call as (raw: unknown) => Returned)
  return {
    filter: filter === undefined ? null : withContext(filter),
    isDeleted: deletionOf({ deleted: typeof deleted === 'function' ? withContext(deleted) : deleted }),
    map: map === undefined ? null : withContext(map),
  }
}

const contextOf = (
  page: EnvelopeContext | undefined,
  values: EnvelopeContext['values'],
  extras: readonly string[],
): RecordContext =>
  page === undefined ? withoutPage(values, extras) : { values: page.values, page: page.body, headers: page.headers }

/** Of a record that is replayed: what it lacks throws, since undefined would be taken for an empty value. */
const withoutPage = (values: EnvelopeContext['values'], extras: readonly string[]): RecordContext => ({
  values: withoutExtras(values, extras),
  get page(): never {
    throw lacking('page')
  },
  get headers(): never {
    throw lacking('headers')
  },
})

function withoutExtras(values: EnvelopeContext['values'], extras: readonly string[]): EnvelopeContext['values'] {
  const names = extras.filter((name) => !Object.hasOwn(values, name))
  if (names.length === 0) return values
  const get = (name: string) => () => {
    throw lacking(`value "${name}"`)
  }
  return Object.defineProperties(
    { ...values },
    Object.fromEntries(names.map((name) => [name, { get: get(name), enumerable: true }])),
  )
}

const lacking = (name: string): RangeError =>
  new RangeError(`a replayed record has no ${name}; copy what is needed into the record with envelope`)
