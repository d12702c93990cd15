/**
 * Every version as OpenAPI 3.1. The upgrade throws at the first place that is too wrong for it. Then each part of the
 * document is upgraded by itself, and only the wrong parts are lost.
 */
import { upgrade } from '@scalar/openapi-upgrader'
import { messageOf } from '#shared/errors.ts'
import type { Problems } from './problems.ts'
import { at, isTree, type Tree, treeAt } from './tree.ts'

export function upgradeDocument(root: Tree, problems: Problems): Tree {
  const whole = upgraded(root)
  return whole instanceof Error ? inParts(root, problems) : whole
}

/** The upgrade changes what it is given, so it gets a copy. */
function upgraded(document: Tree): Tree | Error {
  try {
    const result: unknown = upgrade(structuredClone(document), '3.1')
    return isTree(result) ? result : new RangeError('cannot be upgraded')
  } catch (error) {
    return error instanceof Error ? error : new RangeError(messageOf(error))
  }
}

/** What holds named parts, by the path to it. */
const CONTAINERS = [
  ['paths'],
  ['definitions'],
  ['parameters'],
  ['responses'],
  ['securityDefinitions'],
  ['components', 'schemas'],
  ['components', 'parameters'],
  ['components', 'responses'],
  ['components', 'securitySchemes'],
  ['components', 'headers'],
] as const
/** With empty containers, references to them are rewritten too. */
const EMPTY = { definitions: {}, parameters: {}, responses: {} }
const SHARED = ['openapi', 'swagger', 'produces', 'consumes'] as const
const HEAD = ['info', 'host', 'basePath', 'schemes', 'servers', 'security', ...SHARED] as const

function inParts(root: Tree, problems: Problems): Tree {
  const shared = only(root, SHARED)
  const skeleton = at(root, 'swagger') === undefined ? shared : { ...EMPTY, ...shared }
  const head = upgraded(only(root, HEAD))
  if (head instanceof Error) problems.report('document', `is wrong in part: ${messageOf(head)}`)
  let result: Tree = head instanceof Error ? {} : head
  for (const path of CONTAINERS) {
    const container = path.length === 1 ? treeAt(root, path[0]) : treeAt(treeAt(root, path[0]), path[1])
    for (const [name, part] of Object.entries(container)) {
      const piece = partOf(path, name, part)
      let done = upgraded({ ...skeleton, ...piece })
      if (done instanceof Error && path[0] === 'paths') {
        problems.report(name, `is wrong in part: ${messageOf(done)}`)
        done = upgraded({ ...skeleton, ...partOf(path, name, only(part, ['get'])) })
      }
      if (done instanceof Error) problems.report(name, `is not read: ${messageOf(done)}`)
      else result = merged(result, only(done, ['paths', 'components']))
    }
  }
  return result
}

const partOf = (path: readonly string[], name: string, part: unknown): Tree =>
  path.reduceRight<Tree>((inner, step) => ({ [step]: inner }), { [name]: part })

const only = (tree: unknown, names: readonly string[]): Tree =>
  Object.fromEntries(names.filter((name) => at(tree, name) !== undefined).map((name) => [name, at(tree, name)]))

/** Objects become one; the parts have different names, so nothing else meets. */
function merged(a: Tree, b: Tree, depth = 0): Tree {
  const result: Record<string, unknown> = { ...a }
  for (const [name, value] of Object.entries(b)) {
    const before = at(result, name)
    result[name] = depth < 2 && isTree(before) && isTree(value) ? merged(before, value, depth + 1) : value
  }
  return result
}
