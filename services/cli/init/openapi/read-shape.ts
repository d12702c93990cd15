/**
 * From a schema of a document to a shape, looser where the document is not exact. A schema may contain itself, or
 * grow without end when it is written out. So depth and size are bounded, and what lies beyond is any value.
 */
import { type Flat, flatten, type SchemaTools } from './flatten.ts'
import { nameOf } from './references.ts'
import { ANY, type ScalarName, type ShapeField, together, united, type ValueShape } from './shape.ts'
import { at } from './tree.ts'

/** Objects and lists in each other, of one record. */
export const DEPTH_MAX = 5
/** Fields of one record, with those of its objects. With more, its deepest objects are not written out. */
export const FIELDS_MAX = 200
/** Schemas that are looked at for one record. */
const SCHEMAS_MAX = 5_000
/** Longer lists of values grow: they are texts. */
export const VALUES_CHARS_MAX = 70
const DESCRIPTION_CHARS_MAX = 120

type Reading = SchemaTools & { depthMax: number; left: { fields: number; schemas: number } }

export function readShape(schema: unknown, tools: SchemaTools): ValueShape {
  for (let depthMax = DEPTH_MAX; ; depthMax--) {
    const left = { fields: FIELDS_MAX, schemas: SCHEMAS_MAX }
    const shape = shapeAt(schema, { ...tools, depthMax, left }, [], 0)
    if (depthMax === 1 || (left.fields >= 0 && left.schemas >= 0)) return shape
  }
}

/** `above`: the references that led here. */
function shapeAt(schema: unknown, reading: Reading, above: readonly string[], depth: number): ValueShape {
  reading.left.schemas -= 1
  if (reading.left.schemas < 0 || reading.left.fields < 0) return ANY
  const flat = flatten(schema, reading)
  const again = flat.refs.find((ref) => above.includes(ref))
  if (again !== undefined) return { ...ANY, description: `${nameOf(again)} again` }
  const inside = [...above, ...flat.refs]
  const base = described(ownShape(flat, reading, inside, depth), flat)
  return flat.alternatives.reduce<ValueShape>((shape, alternatives) => {
    const [first, ...others] = alternatives.filter((each) => !isNullOnly(each))
    const shapes = [first, ...others].map((each) => shapeAt(each, reading, inside, depth))
    const either = united(shapes)
    const nullable = either.nullable || flat.nullable || alternatives.some(isNullOnly)
    const note = others.length > 0 && either.kind === 'object' ? `one of ${others.length + 1} shapes` : undefined
    const named = note === undefined ? either : { ...either, description: note }
    return together(shape, first === undefined ? { ...ANY } : { ...named, nullable })
  }, base)
}

const isNullOnly = (schema: unknown): boolean => at(schema, 'type') === 'null' || at(schema, 'const') === null

function described(shape: ValueShape, { description }: Flat): ValueShape {
  if (description === null || shape.description !== undefined) return shape
  const line = description.replace(/\s+/g, ' ').trim()
  return line.length > DESCRIPTION_CHARS_MAX || line === '' ? shape : { ...shape, description: line }
}

/** Without its alternatives. */
function ownShape(flat: Flat, reading: Reading, above: readonly string[], depth: number): ValueShape {
  const shapes = [...flat.types].map((type) => typeShape(type, flat, reading, above, depth))
  const [first] = shapes
  if (first === undefined) return { kind: 'any', nullable: flat.nullable }
  const shape = united(shapes)
  return { ...shape, nullable: flat.nullable || (flat.values?.includes(null) ?? false) }
}

function typeShape(type: string, flat: Flat, reading: Reading, above: readonly string[], depth: number): ValueShape {
  if (type === 'object') return objectShape(flat, reading, above, depth)
  if (type !== 'array') return scalarShape(type as ScalarName, flat)
  const of = depth >= reading.depthMax ? ANY : shapeAt(flat.items ?? {}, reading, above, depth + 1)
  return { kind: 'list', nullable: false, of }
}

function objectShape(flat: Flat, reading: Reading, above: readonly string[], depth: number): ValueShape {
  const { properties, additional, required } = flat
  if (depth >= reading.depthMax)
    return { kind: 'object', nullable: false, fields: new Map(), description: 'not written out' }
  if (properties.size === 0 && additional !== undefined)
    return { kind: 'map', nullable: false, of: shapeAt(additional, reading, above, depth + 1) }
  const fields = new Map<string, ShapeField>()
  for (const [name, property] of properties) {
    // Never in a response.
    if (at(property, 'writeOnly') === true) continue
    reading.left.fields -= 1
    if (reading.left.fields < 0) break
    fields.set(name, { shape: shapeAt(property, reading, above, depth + 1), required: required.has(name) })
  }
  return { kind: 'object', nullable: false, fields }
}

function scalarShape(type: ScalarName, { format, values }: Flat): ValueShape {
  const own = (values ?? []).filter((value) => typeof value === (type === 'integer' ? 'number' : type))
  const listed = own.length > 0 && type === 'string' && own.join("', '").length <= VALUES_CHARS_MAX
  return {
    kind: 'scalar',
    nullable: false,
    type,
    ...(format === null ? {} : { format: format.toLowerCase() }),
    ...(listed ? { values: [...new Set(own as string[])] } : {}),
  }
}
