/**
 * Where a response holds its list of records: it is an array of objects, or an object around one. An object that is a
 * record itself does not count, even where it has a list of its own parts.
 */
import { type Flat, flatten, type SchemaTools } from './flatten.ts'
import { escaped } from './tree.ts'
import { bare, oneOf } from './words.ts'

/** `isOnly`: no other array of objects lies at the same depth. */
export type DocumentRecords = { pointer: string; item: unknown; isOnly: boolean }

/** Objects around the array. */
const DEPTH_MAX = 3
/** Schemas looked at for one response. */
const SCHEMAS_MAX = 500

const isUsual = oneOf(
  'data item items result results record records value values entry entries entity entities element elements',
  'list rows content object objects hits doc docs document documents resource resources collection nodes',
  'edges embedded response payload resultset',
)
/** Arrays that come with a page and are not its records. */
const isBeside = oneOf(
  'error errors warning warnings message messages link links include includes included facet facets',
  'aggregations meta metadata pagination sort filter filters',
)
/** A thing of its own has one of these. */
const isIdentity = oneOf('id uuid guid key slug self')
/** Scalars beside a list; more of them belong to a thing with parts. */
const SCALARS_BESIDE_MAX = 10

/** `word`: what the path says that the list holds. `isOne`: the path seems to name one thing, not a list. */
export function findRecords(
  schema: unknown,
  tools: SchemaTools,
  { word, isOne }: { word: string; isOne: boolean },
): DocumentRecords | null {
  let level: { pointer: string; flat: Flat }[] = [{ pointer: '', flat: flatten(schema, tools) }]
  const [top] = level
  if (top !== undefined && holdsObjects(top.flat, tools)) return { pointer: '', item: top.flat.items, isOnly: true }
  let left = SCHEMAS_MAX
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const below = level
      .filter(({ flat }) => isEnvelope(flat))
      .flatMap(({ pointer, flat }) =>
        propertiesOf(flat, tools, () => left-- > 0).map(({ name, flat: inner }) => ({
          name,
          pointer: `${pointer}/${escaped(name)}`,
          flat: inner,
        })),
      )
    const arrays = below.filter(({ name, flat }) => !isBeside(name) && holdsObjects(flat, tools))
    const named = arrays.filter(({ name }) => isNamed(name, word))
    const [chosen] = arrays.length === 1 && !isOne ? arrays : named
    if (chosen !== undefined) return { pointer: chosen.pointer, item: chosen.flat.items, isOnly: arrays.length === 1 }
    if (arrays.length > 0) return null
    level = below.filter(({ name, flat }) => !isBeside(name) && flat.types.has('object'))
  }
  return null
}

const isNamed = (name: string, word: string): boolean => isUsual(name) || (word !== '' && bare(name) === bare(word))

/** With those of its alternatives. */
function propertiesOf(flat: Flat, tools: SchemaTools, mayLook: () => boolean): { name: string; flat: Flat }[] {
  const own = [...flat.properties]
  const others = flat.alternatives.flat().flatMap((each) => (mayLook() ? [...flatten(each, tools).properties] : []))
  const names = new Map([...others, ...own])
  return [...names].flatMap(([name, schema]) => (mayLook() ? [{ name, flat: flatten(schema, tools) }] : []))
}

function isEnvelope({ properties }: Flat): boolean {
  const names = [...properties.keys()]
  return !names.some((name) => isIdentity(name)) && names.length <= SCALARS_BESIDE_MAX + DEPTH_MAX
}

function holdsObjects(flat: Flat, tools: SchemaTools): boolean {
  if (!flat.types.has('array') || flat.items === undefined) return false
  const item = flatten(flat.items, tools)
  if (item.types.size > 0) return item.types.has('object')
  return item.alternatives.flat().some((each) => flatten(each, tools).types.has('object'))
}
