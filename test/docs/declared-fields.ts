/** The fields of the types that authors write or get, with the comments that an editor shows for them. */
import ts from 'typescript'
import { isOptional, kindOf, type Named, typeText } from './type-text.ts'

export type DeclaredField = {
  name: string
  required: boolean
  type: string
  /** Without the tags; empty if there is none. */
  text: string
  /** As the tag `@default` says it; null without one. */
  byDefault: string | null
}

/** It tells what a function made; an author never writes it. */
const UNWRITTEN = 'kind'

/** In the order of their declaration. A field of one branch of a union is optional. */
export function fieldsOf(checker: ts.TypeChecker, type: ts.Type, named?: Named): DeclaredField[] {
  const branches = (type.isUnion() ? type.types : [type]).filter(({ flags }) => (flags & PRIMITIVE) === 0)
  const names = [...new Set(branches.flatMap((each) => checker.getPropertiesOfType(each).map(({ name }) => name)))]
  const found = names.flatMap((name) => {
    const properties = branches.flatMap((each) => checker.getPropertyOfType(each, name) ?? [])
    const property = properties.find((each) => !isNothing(checker.getTypeOfSymbol(each)))
    if (property === undefined || name === UNWRITTEN) return []
    const type = typeText(checker, checker.getTypeOfSymbol(property), named)
    const required = properties.length === branches.length && !properties.some(isOptional)
    return [{ ...commentOf(checker, property), name, required, type, place: placeOf(property) }]
  })
  // Fields that several types share are declared in a file of their own, and follow.
  const homes = Map.groupBy(found, ({ place }) => place.file)
  const isShared = ({ place }: (typeof found)[number]): number => -(homes.get(place.file)?.length ?? 0)
  return found
    .sort((a, b) => isShared(a) - isShared(b) || a.place.at - b.place.at)
    .map(({ place: _, ...field }) => field)
}

const PRIMITIVE = ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike

/** In the branches of a union that exclude a field. */
const isNothing = ({ flags }: ts.Type): boolean => (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never)) !== 0

type Place = { file: string; at: number }
const placeOf = ({ declarations: [first] = [] }: ts.Symbol): Place => ({
  file: first?.getSourceFile().fileName ?? '',
  at: first?.pos ?? 0,
})

export function commentOf(checker: ts.TypeChecker, symbol: ts.Symbol): Pick<DeclaredField, 'text' | 'byDefault'> {
  const tag = symbol.getJsDocTags(checker).find(({ name }) => name === 'default')
  return {
    text: ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, ' ').trim(),
    byDefault: tag === undefined ? null : ts.displayPartsToString(tag.text).trim(),
  }
}

/** `Type.field` of every field below these types that has no comment. Types of packages are not looked into. */
export function uncommented(checker: ts.TypeChecker, roots: readonly (readonly [string, ts.Type])[]): string[] {
  const seen = new Set<ts.Type>()
  const found = new Set<string>()
  const queue = [...roots]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [at, type] = next
    if (seen.has(type)) continue
    seen.add(type)
    // A function makes it, so authors write what that function takes.
    if (kindOf(checker, type) !== null) continue
    queue.push(...partsOf(checker, type).map((part): [string, ts.Type] => [at, part]))
    for (const property of checker.getPropertiesOfType(type)) {
      const propertyType = checker.getTypeOfSymbol(property)
      if (!isOurs(property) || property.name === UNWRITTEN || isNothing(propertyType)) continue
      const path = `${at}.${property.name}`
      if (commentOf(checker, property).text === '') found.add(path)
      queue.push([path, propertyType])
    }
  }
  return [...found].sort()
}

/** What a type is made of: members of a union, elements of a list, what a function takes and returns. */
function partsOf(checker: ts.TypeChecker, type: ts.Type): ts.Type[] {
  const members = type.isUnionOrIntersection() ? type.types : []
  const functions = type
    .getCallSignatures()
    .flatMap((signature) => [
      ...signature.getParameters().map((parameter) => checker.getTypeOfSymbol(parameter)),
      signature.getReturnType(),
    ])
  const args = (type.flags & ts.TypeFlags.Object) !== 0 ? checker.getTypeArguments(type as ts.TypeReference) : []
  return [...members, ...functions, ...args, ...[type.getStringIndexType()].filter((each) => each !== undefined)]
}

const isOurs = ({ declarations = [] }: ts.Symbol): boolean =>
  declarations.some((declaration) => /\/shared\/declaration\//.test(declaration.getSourceFile().fileName))
