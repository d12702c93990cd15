/** A type as a reference shows it: short, as an author writes its values. */
import ts from 'typescript'

const LISTED_MAX = 12
/** Of lists and objects in one another: JSON values nest without an end. */
const DEPTH_MAX = 3

/** How the reference writes what it describes elsewhere. */
export type Named = {
  /** The call that makes an object, by the literal of its `kind`. */
  calls: ReadonlyMap<string, string>
  /** An object, by the names of its fields. */
  objects: ReadonlyMap<string, string>
}

const NOTHING_NAMED: Named = { calls: new Map(), objects: new Map() }

export function typeText(checker: ts.TypeChecker, type: ts.Type, named: Named = NOTHING_NAMED, depth = 0): string {
  if (depth > DEPTH_MAX) return '`…`'
  const parts = (type.isUnion() ? type.types : [type]).filter(({ flags }) => (flags & ts.TypeFlags.Undefined) === 0)
  const booleans = parts.filter(({ flags }) => (flags & ts.TypeFlags.BooleanLiteral) !== 0)
  const isBoolean = booleans.length === 2
  const others = isBoolean ? parts.filter((part) => !booleans.includes(part)) : parts
  const texts = others.map((part) => partText(checker, part, named, depth))
  // The compiler lists them in the order in which it met them, which another file can change.
  const inOrder = [...new Set([...(isBoolean ? ['`boolean`'] : []), ...texts])].sort(
    (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
  )
  const last = inOrder.at(-1)
  const before = inOrder.slice(0, -1).join(' or ')
  return before !== '' && last === `a list of ${before}` ? `${before} or a list of them` : inOrder.join(' or ')
}

const rank = (text: string): number =>
  ['`string`', '`number`', '`boolean`'].includes(text) ? 0 : text.startsWith('`(') ? 2 : text.includes('list') ? 3 : 1

function partText(checker: ts.TypeChecker, type: ts.Type, named: Named, depth: number): string {
  if (type.isStringLiteral()) return `\`'${type.value}'\``
  if ((type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0) return `\`${checker.typeToString(type)}\``
  const [signature] = type.getCallSignatures()
  if (signature !== undefined) return `\`(${parametersOf(checker, signature).join(', ')}) => …\``
  if (checker.isArrayType(type) || checker.isTupleType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference)
    return element === undefined ? 'a list' : `a list of ${typeText(checker, element, named, depth + 1)}`
  }
  if (type.getProperty('_zod') !== undefined) return 'a zod type'
  const kind = kindOf(checker, type)
  if (kind !== null) return named.calls.get(kind) ?? `\`${kind}(…)\``
  const name = type.symbol?.name
  if (name !== undefined && PLAIN_CLASSES.includes(name)) return `\`${name}\``
  return objectText(checker, type, named, depth)
}

const PLAIN_CLASSES = ['Date', 'URL', 'Uint8Array', 'AbortSignal', 'Promise', 'AsyncIterable']

function objectText(checker: ts.TypeChecker, type: ts.Type, named: Named, depth: number): string {
  const properties = checker.getPropertiesOfType(type)
  const known = named.objects.get(namesKey(properties.map(({ name }) => name)))
  if (known !== undefined) return known
  const names = properties.map((property) => property.name + (isOptional(property) ? '?' : ''))
  if (names.join() === 'optional') return '`optional(…)`'
  if (names.length > 0) return names.length > LISTED_MAX ? '`{ … }`' : `\`{ ${names.join(', ')} }\``
  const values = type.getStringIndexType()
  if (values === undefined) return '`{ … }`'
  const text = typeText(checker, values, named, depth + 1)
  return /^`[^`]+`$/.test(text) && text !== '`unknown`' ? `\`{ name: ${text.slice(1, -1)} }\`` : '`{ name: value }`'
}

export const namesKey = (names: readonly string[]): string => [...names].sort().join()

/** The literal of the field `kind`, which says what function made an object; null without one. */
export function kindOf(checker: ts.TypeChecker, type: ts.Type): string | null {
  const property = type.getProperty('kind')
  const literal = property === undefined ? undefined : checker.getTypeOfSymbol(property)
  return literal?.isStringLiteral() === true ? literal.value : null
}

/** Names of the parameters. A rest that is a tuple has names of its own. */
export function parametersOf(checker: ts.TypeChecker, signature: ts.Signature): string[] {
  return signature.getParameters().flatMap((parameter) => {
    const type = checker.getTypeOfSymbol(parameter)
    if (checker.isTupleType(type))
      return ((type as ts.TupleTypeReference).target.labeledElementDeclarations ?? []).map((label) =>
        label?.name === undefined ? '…' : label.name.getText(),
      )
    return parameter.name.startsWith('__') ? '{ … }' : parameter.name
  })
}

export const isOptional = (property: ts.Symbol): boolean => (property.flags & ts.SymbolFlags.Optional) !== 0
