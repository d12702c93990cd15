/** A shape as JSON Schema (draft 2020-12), in few keywords and without references. */
import type { KnownSchema } from '../known.ts'
import type { ValueShape } from './shape.ts'

export function schemaOf(shape: ValueShape): KnownSchema {
  const { nullable, description } = shape
  const more = description === undefined ? {} : { description }
  const typed = (type: string, keywords: KnownSchema = {}): KnownSchema => ({
    type: nullable ? [type, 'null'] : type,
    ...keywords,
    ...more,
  })
  switch (shape.kind) {
    case 'any':
      return more
    case 'scalar': {
      const { type, format, values } = shape
      const listed = values === undefined ? {} : { enum: nullable ? [...values, null] : [...values] }
      return typed(type, { ...(format === undefined ? {} : { format }), ...listed })
    }
    case 'list':
      return typed('array', { items: schemaOf(shape.of) })
    case 'map':
      return typed('object', { additionalProperties: schemaOf(shape.of) })
    case 'object': {
      const fields = [...shape.fields]
      const required = fields.filter(([, field]) => field.required).map(([name]) => name)
      return typed('object', {
        properties: Object.fromEntries(fields.map(([name, field]) => [name, schemaOf(field.shape)])),
        ...(required.length > 0 ? { required } : {}),
      })
    }
    case 'union': {
      const anyOf = [...shape.of.map(schemaOf), ...(nullable ? [{ type: 'null' }] : [])]
      return { anyOf, ...more }
    }
  }
}
