/** Where the values of a path's parameters come from: the document, or the records of another list. */
import type { ListEndpoint } from './list-endpoints.ts'
import type { Parameter } from './parameters.ts'
import type { ValueShape } from './shape.ts'
import { bare } from './words.ts'

export type PathValues = {
  /** Of each parameter, in the order of the path. */
  names: readonly string[]
  /** A list of the same document whose records have the last value; its own path has the others. */
  parent: { stream: string; field: string } | null
  /** What the document offers: one set of values for each. Empty where it offers none. */
  offered: readonly Readonly<Record<string, string>>[]
}

/** A chosen list endpoint with its stream and the shape of its records. */
export type Listed = { endpoint: ListEndpoint; stream: string; shape: ValueShape }

const OFFERED_MAX = 50

/** Null for a path without parameters. */
export function pathValues({ endpoint }: Listed, all: readonly Listed[]): PathValues | null {
  const place = ({ name }: Parameter): number => endpoint.path.indexOf(`{${name}}`)
  const parameters = endpoint.parameters.filter((each) => each.in === 'path').toSorted((a, b) => place(a) - place(b))
  const last = parameters.at(-1)
  if (last === undefined) return null
  return {
    names: parameters.map(({ name }) => name),
    parent: parentOf(endpoint.path, last, all),
    offered: offeredFor(parameters),
  }
}

function offeredFor(parameters: readonly Parameter[]): Record<string, string>[] {
  const [only, ...more] = parameters
  if (only !== undefined && more.length === 0 && only.values.length > 0)
    return only.values.slice(0, OFFERED_MAX).map((value) => ({ [only.name]: value }))
  const values = parameters.map(({ name, value }) => [name, value] as const)
  if (values.some(([, value]) => value === null)) return []
  return [Object.fromEntries(values.map(([name, value]) => [name, value ?? '']))]
}

/** The list at the path before the parameter: /accounts for /accounts/{id}/orders. */
function parentOf(path: string, { name }: Parameter, all: readonly Listed[]): PathValues['parent'] {
  const before = path.slice(0, path.indexOf(`{${name}}`)).replace(/\/$/, '')
  const parent = all.find(({ endpoint }) => endpoint.path.replace(/(\.json)?\/?$/, '') === before)
  if (parent === undefined) return null
  const field = keyField(parent.shape, name, before.split('/').at(-1) ?? '')
  return field === null ? null : { stream: parent.stream, field }
}

function keyField(shape: ValueShape, name: string, list: string): string | null {
  if (shape.kind !== 'object') return null
  const scalars = [...shape.fields].filter(([, field]) => field.shape.kind === 'scalar').map(([field]) => field)
  const [wanted, thing] = [bare(name), bare(list).replace(/s$/, '')]
  const end = wanted.startsWith(thing) ? wanted.slice(thing.length) : wanted
  return (
    [wanted, end, 'id', `${thing}id`, 'uuid', 'key', 'slug', 'name']
      .map((each) => scalars.find((field) => bare(field) === each))
      .find((field) => field !== undefined) ?? null
  )
}
