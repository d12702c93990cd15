/**
 * One level of a JSON Schema as one flat object: references followed, `allOf` merged. What lies below (properties,
 * items, alternatives) stays as it is, so a document that contains itself does not matter here.
 */
import type { Problems } from './problems.ts'
import { nameOf, type Resolve } from './references.ts'
import { at, isTree, listAt, type Tree, textAt, treeAt } from './tree.ts'

export type Flat = {
  /** Without null. Empty: the schema does not say. */
  types: ReadonlySet<string>
  nullable: boolean
  /** All schemas that `allOf` has of a property. */
  properties: ReadonlyMap<string, unknown>
  required: ReadonlySet<string>
  /** Of an array; undefined where nothing is said. */
  items: unknown
  /** Of the values of a map; undefined where nothing is said. */
  additional: unknown
  values: readonly unknown[] | null
  format: string | null
  description: string | null
  /** Each `oneOf` and `anyOf`. */
  alternatives: readonly (readonly unknown[])[]
  /** References that were followed. */
  refs: readonly string[]
}

export type SchemaTools = { resolve: Resolve; problems: Problems }

/** Parts of one `allOf`, with those inside it. */
const PARTS_MAX = 200

const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']
/** What authors write for them. */
const MEANT: Readonly<Record<string, string>> = {
  str: 'string',
  text: 'string',
  date: 'string',
  datetime: 'string',
  'date-time': 'string',
  timestamp: 'string',
  uuid: 'string',
  uri: 'string',
  url: 'string',
  email: 'string',
  enum: 'string',
  int: 'integer',
  int32: 'integer',
  int64: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  decimal: 'number',
  bool: 'boolean',
  list: 'array',
  map: 'object',
  dict: 'object',
}
/** Such a type says the format as well. */
const FORMATS = ['date', 'date-time', 'uuid', 'int64']

type Merging = {
  types: Set<string> | null
  nullable: boolean
  properties: Map<string, unknown[]>
  required: Set<string>
  items: unknown
  additional: unknown
  values: readonly unknown[] | null
  format: string | null
  description: string | null
  alternatives: unknown[][]
  refs: string[]
}

export function flatten(schema: unknown, { resolve, problems }: SchemaTools): Flat {
  const merging: Merging = {
    types: null,
    nullable: false,
    properties: new Map(),
    required: new Set(),
    items: undefined,
    additional: undefined,
    values: null,
    format: null,
    description: null,
    alternatives: [],
    refs: [],
  }
  const queue: unknown[] = [schema]
  for (let index = 0; index < queue.length && index < PARTS_MAX; index++) {
    const part = queue[index]
    const { value, names } = resolve(part)
    if (names.some((name) => merging.refs.includes(name))) continue
    merging.refs.push(...names)
    // What stands beside a reference counts as well.
    if (isTree(part) && names.length > 0) add(merging, part, nameOf(names[0] ?? ''), problems)
    if (!isTree(value)) continue
    add(merging, value, nameOf(names.at(-1) ?? 'a schema'), problems)
    queue.push(...listAt(value, 'allOf'))
  }
  const { types, properties, ...rest } = merging
  return {
    ...rest,
    types: types ?? typesImplied(merging),
    properties: new Map([...properties].map(([name, all]) => [name, all.length === 1 ? all[0] : { allOf: all }])),
  }
}

function add(into: Merging, schema: Tree, name: string, problems: Problems): void {
  addTypes(into, schema, name, problems)
  addProperties(into, schema, name, problems)
  if (at(schema, 'nullable') === true || at(schema, 'x-nullable') === true) into.nullable = true
  into.items ??= itemsOf(schema)
  into.additional ??= additionalOf(schema)
  const values = Object.hasOwn(schema, 'const') ? [schema.const] : listAt(schema, 'enum')
  if (values.length > 0) into.values = values
  into.format ??= textAt(schema, 'format')
  into.description ??= textAt(schema, 'description') ?? textAt(schema, 'title')
  for (const keyword of ['oneOf', 'anyOf']) {
    const alternatives = listAt(schema, keyword)
    if (alternatives.length > 0) into.alternatives.push([...alternatives])
  }
}

function addTypes(into: Merging, schema: Tree, name: string, problems: Problems): void {
  const given = at(schema, 'type')
  if (given === undefined) return
  const found = new Set<string>()
  for (const type of Array.isArray(given) ? given.flat() : [given]) {
    const said = typeof type === 'string' ? type.toLowerCase() : ''
    const known = TYPES.includes(said) ? said : MEANT[said]
    if (known !== said || said !== type) problems.report(name, typeProblem(type, known))
    if (known !== undefined) found.add(known)
    if (FORMATS.includes(said)) into.format ??= said
  }
  if (found.delete('null')) into.nullable = true
  if (found.size > 0) into.types = into.types === null ? found : both(into.types, found)
}

const typeProblem = (type: unknown, meant: string | undefined): string =>
  `${JSON.stringify(type) ?? 'undefined'} is not a type; read as ${meant ?? 'any value'}`

/** What all parts allow; a document that contradicts itself gets what it said first. */
function both(a: Set<string>, b: Set<string>): Set<string> {
  const common = [...a].filter((type) => b.has(type) || (type === 'integer' && b.has('number')))
  const narrowed = [...b].filter((type) => type === 'integer' && a.has('number'))
  const types = new Set([...common, ...narrowed])
  return types.size > 0 ? types : a
}

function addProperties(into: Merging, schema: Tree, name: string, problems: Problems): void {
  const properties = at(schema, 'properties')
  if (properties !== undefined && properties !== null && !isTree(properties)) {
    problems.report(name, 'properties is not an object; its fields are not read')
  }
  for (const [field, property] of Object.entries(treeAt(schema, 'properties'))) {
    if (!isTree(property) && typeof property !== 'boolean') {
      problems.report(`${name}.${field}`, 'is not a schema; read as any value')
    }
    into.properties.set(field, [...(into.properties.get(field) ?? []), property])
    // Of an early draft, and still written.
    if (at(property, 'required') === true) into.required.add(field)
  }
  const required = at(schema, 'required')
  if (Array.isArray(required)) for (const field of required) if (typeof field === 'string') into.required.add(field)
  if (typeof required === 'string') problems.report(name, 'required is not a list; not read')
}

/** A list of one schema for each position is read as any of them. */
function itemsOf(schema: Tree): unknown {
  const positions = [...listAt(schema, 'prefixItems'), ...listAt(schema, 'items')]
  if (positions.length > 0) return positions.length === 1 ? positions[0] : { anyOf: positions }
  const items = at(schema, 'items')
  return isTree(items) ? items : undefined
}

function additionalOf(schema: Tree): unknown {
  const patterns = Object.values(treeAt(schema, 'patternProperties')).filter(isTree)
  if (patterns.length > 0) return patterns.length === 1 ? patterns[0] : { anyOf: patterns }
  const additional = at(schema, 'additionalProperties')
  return isTree(additional) ? additional : undefined
}

function typesImplied({ properties, items, additional, values }: Merging): Set<string> {
  if (properties.size > 0 || additional !== undefined) return new Set(['object'])
  if (items !== undefined) return new Set(['array'])
  const types = (values ?? []).filter((value) => value !== null).map((value) => typeof value)
  return new Set(types.filter((type) => TYPES.includes(type) && type !== 'object'))
}
