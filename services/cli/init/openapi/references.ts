/** Follows `$ref` inside one document. References to other files are not followed: a bundled document has none. */
import { valueAt } from '#shared/json-pointer.ts'
import type { Problems } from './problems.ts'
import { isTree, type Tree, textAt } from './tree.ts'

/** `names`: the references on the way. `value` is undefined where one leads nowhere. */
export type Resolved = { value: unknown; names: readonly string[] }
export type Resolve = (value: unknown) => Resolved

const HOPS_MAX = 20

export function resolverOf(root: Tree, problems: Problems): Resolve {
  return (given) => {
    const names: string[] = []
    let value = given
    for (let hops = 0; hops <= HOPS_MAX; hops++) {
      const ref = isTree(value) ? textAt(value, '$ref') : null
      if (ref === null) return { value, names }
      const target = targetOf(root, ref)
      if (typeof target === 'string' || names.includes(ref)) {
        problems.report(ref, typeof target === 'string' ? target : 'is a reference to itself')
        return { value: undefined, names }
      }
      names.push(ref)
      value = target.value
    }
    problems.report(names[0] ?? '$ref', `leads through more than ${HOPS_MAX} references`)
    return { value: undefined, names }
  }
}

/** The last word of a reference, as people name what it leads to. */
export const nameOf = (ref: string): string => ref.split('/').at(-1) ?? ref

function targetOf(root: Tree, ref: string): { value: unknown } | string {
  if (!ref.startsWith('#')) return 'is in another file, which is not read: bundle the document into one file'
  const pointer = decoded(ref.slice(1))
  const value = pointer === '' || pointer.startsWith('/') ? valueAt(root, pointer) : undefined
  return value === undefined ? 'leads nowhere' : { value }
}

/** A reference is a URL, so its pointer may be percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
