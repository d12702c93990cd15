/**
 * What a schema knows by name, and what a raw record brings beyond it. zod drops unknown fields without a word; comparing names
 * here is what makes drift visible and keeps its values.
 */
import { z } from 'zod'

/** Known field names; a nested object has a shape of its own, everything else is null. */
export type Shape = ReadonlyMap<string, Shape | null>

/** Nesting beyond this is not compared; it stays with its parent as zod returns it. */
const DEPTH_MAX = 16

export function shapeOf(schema: z.ZodObject, depth = 0): Shape {
  const shape = new Map<string, Shape | null>()
  for (const [name, type] of Object.entries(schema.shape)) {
    const inner = unwrap(type as z.ZodType)
    const closed = inner instanceof z.ZodObject && inner.def.catchall === undefined && depth < DEPTH_MAX
    shape.set(name, closed ? shapeOf(inner, depth + 1) : null)
  }
  return shape
}

function unwrap(type: z.ZodType): z.ZodType {
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodDefault)
    return unwrap(type.unwrap() as z.ZodType)
  return type
}

/** The unknown fields of a raw record, in their places, or null when there are none. `seen` is told each path with its value's type. */
export function unknownFields(
  raw: object,
  shape: Shape,
  seen: (path: string, type: string) => void,
  at = '',
): Record<string, unknown> | null {
  let unknown: Record<string, unknown> | null = null
  for (const [name, value] of Object.entries(raw)) {
    const known = shape.get(name)
    if (known === null) continue
    if (known === undefined) {
      if (value === undefined) continue
      seen(at + name, typeName(value))
      unknown ??= {}
      unknown[name] = value
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const nested = unknownFields(value, known, seen, `${at}${name}.`)
      if (nested === null) continue
      unknown ??= {}
      unknown[name] = nested
    }
  }
  return unknown
}

const typeName = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)
