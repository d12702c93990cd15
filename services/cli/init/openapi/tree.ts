/** Reads documents that anyone may have written: whatever is not of the wanted type is not there. */

export type Tree = Readonly<Record<string, unknown>>

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const at = (value: unknown, name: string): unknown =>
  isTree(value) && Object.hasOwn(value, name) ? value[name] : undefined

export function treeAt(value: unknown, name: string): Tree {
  const inner = at(value, name)
  return isTree(inner) ? inner : {}
}

export function listAt(value: unknown, name: string): readonly unknown[] {
  const inner = at(value, name)
  return Array.isArray(inner) ? inner : []
}

/** Null for an empty text too. */
export function textAt(value: unknown, name: string): string | null {
  const inner = at(value, name)
  return typeof inner === 'string' && inner.trim() !== '' ? inner : null
}

/** A part of a JSON pointer (RFC 6901). */
export const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')
