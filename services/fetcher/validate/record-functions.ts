/**
 * The author's functions over one raw record, as validation calls them. Those that take the record's context get it.
 * The others are called as they are, so that a stream without such functions pays nothing for them.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { type RecordContext, takesContext } from '#shared/declaration/record-functions.ts'
import type { EnvelopeContext } from '#shared/declaration/source-spec.ts'
import { deletionOf } from './tombstones.ts'

export type RecordFunctions = {
  filter: ((raw: unknown) => boolean) | null
  isDeleted: ((raw: unknown) => boolean) | null
  map: ((raw: unknown) => unknown) | null
}
type Declared = Pick<Stream, 'filter' | 'deleted' | 'map'>

/** The functions for the records of one page. `values`: those of its partition. */
export type FunctionsOfPage = (page: EnvelopeContext | undefined, values: EnvelopeContext['values']) => RecordFunctions

export function functionsFor(declared: Declared): FunctionsOfPage {
  const plain = bound(declared, withoutPage({}))
  return takesContext(declared) ? (page, values) => bound(declared, contextOf(page, values)) : () => plain
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

const contextOf = (page: EnvelopeContext | undefined, values: EnvelopeContext['values']): RecordContext =>
  page === undefined ? withoutPage(values) : { values: page.values, page: page.body, headers: page.headers }

/** Of a record that is replayed. An undefined page would be taken for an empty one. */
const withoutPage = (values: EnvelopeContext['values']): RecordContext => ({
  values,
  get page(): never {
    throw lacking('page')
  },
  get headers(): never {
    throw lacking('headers')
  },
})

const lacking = (name: string): RangeError =>
  new RangeError(`a replayed record has no ${name}; copy what is needed into the record with envelope`)
