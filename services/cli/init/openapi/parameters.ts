/** The parameters of an operation, with those of its path: names, and values that the document gives. */
import type { Problems } from './problems.ts'
import type { Resolve } from './references.ts'
import { at, isTree, listAt, textAt, treeAt } from './tree.ts'

export type Parameter = {
  name: string
  in: 'query' | 'path' | 'header'
  required: boolean
  /** What the document offers: a default, a listed value, an example. */
  value: string | null
  /** The value is an example of the document, which may be of nobody's account. */
  isExample: boolean
  /** All values that it allows; empty where it lists none. */
  values: readonly string[]
  /** The largest number that it allows. */
  maximum: number | null
}

/** A name or a number is shorter. */
const VALUE_CHARS_MAX = 80
const PLACES = ['query', 'path', 'header', 'cookie']

export function parametersOf(
  where: string,
  lists: readonly unknown[],
  { resolve, problems }: { resolve: Resolve; problems: Problems },
): Parameter[] {
  const found = new Map<string, Parameter>()
  for (const list of lists) {
    if (list !== undefined && !Array.isArray(list)) problems.report(where, 'parameters is not a list; not read')
    for (const given of Array.isArray(list) ? list : []) {
      const { value } = resolve(given)
      if (value === undefined) continue
      const [name, place] = [textAt(value, 'name'), textAt(value, 'in')]
      if (name === null || place === null || !PLACES.includes(place)) {
        // A body of a GET means nothing here.
        if (place !== 'body' && place !== 'formData')
          problems.report(where, 'a parameter has no name or no place; not read')
        continue
      }
      if (place === 'cookie') continue
      // An operation's own parameter replaces that of its path.
      found.set(`${place} ${name}`, parameterOf(name, place as Parameter['in'], value, resolve))
    }
  }
  return [...found.values()]
}

function parameterOf(name: string, place: Parameter['in'], parameter: unknown, resolve: Resolve): Parameter {
  const schema = resolve(at(parameter, 'schema')).value
  const item = resolve(at(schema, 'items')).value
  const values = [...listAt(schema, 'enum'), ...listAt(item, 'enum')].map(scalarText).filter((text) => text !== null)
  const [own] = [at(schema, 'default'), ...values].map(scalarText).filter((text) => text !== null)
  const [example] = [
    at(parameter, 'example'),
    ...Object.values(treeAt(parameter, 'examples')).map((each) => at(each, 'value')),
    ...listAt(schema, 'examples'),
    at(schema, 'example'),
  ]
    .map(scalarText)
    .filter((text) => text !== null)
  const maximum = at(schema, 'maximum')
  return {
    name,
    in: place,
    required: at(parameter, 'required') === true || place === 'path',
    value: own ?? example ?? null,
    isExample: own === undefined && example !== undefined,
    values,
    maximum: typeof maximum === 'number' && Number.isSafeInteger(maximum) && maximum > 0 ? maximum : null,
  }
}

function scalarText(value: unknown): string | null {
  if (isTree(value) || Array.isArray(value) || value === null || value === undefined) return null
  const text = String(value)
  return text === '' || text.length > VALUE_CHARS_MAX ? null : text
}
