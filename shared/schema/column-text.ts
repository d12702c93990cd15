/**
 * Whether a text is a column type that ClickHouse accepts: pure. An author's `column(…)` is inserted into a statement
 * unchanged. So an invalid type would stall the stream's table long after the declaration was accepted. Source: the
 * data types of ClickHouse's manual, tried on 26.7.
 */
import {
  type Arg,
  isNumber,
  isWhole,
  nameOf,
  nodeOf,
  type TypeNode,
  type TypeToken,
  textOf,
  tokensOf,
} from './column-text-parser.ts'
import { ALIASES, PLAIN } from './column-type-names.ts'

export { isWholeText } from './column-text-parser.ts'

/** Whether the type is written with a name of other databases. */
export const isAlias = (type: string): boolean => {
  const [name = ''] = /^\w+/.exec(type) ?? []
  return !PLAIN.includes(name) && ALIASES.includes(name.toLowerCase())
}

const LEVELS_MAX = 50
const DECIMAL_DIGITS: Readonly<Record<string, number>> = { Decimal32: 9, Decimal64: 18, Decimal128: 38, Decimal256: 76 }
const ENUM_MAX: Readonly<Record<string, number>> = { Enum8: 127, Enum16: 32_767, Enum: 32_767 }
const FIXED_BYTES_MAX = 256
const INSTANT_DIGITS_MAX = 9
const PARTS = ['Array', 'Map', 'Tuple', 'Nested', 'Variant', 'JSON', 'Dynamic', 'Nullable', 'LowCardinality']
const GEO = ['Point', 'Ring', 'LineString', 'Polygon', 'MultiLineString', 'MultiPolygon']

/** What is wrong with the text; null for a type. */
export function columnTypeMistake(text: string): string | null {
  const tokens = tokensOf(text)
  if (tokens === null) return 'is not a type: a quote or a parenthesis is missing, or a character belongs to none'
  return mistakeIn(tokens, 0)
}

function mistakeIn(tokens: readonly TypeToken[], level: number): string | null {
  const node = nodeOf(tokens)
  const text = textOf(tokens)
  if (node === null) return `has ${text === '' ? 'nothing' : text} where a type is expected`
  if (level > LEVELS_MAX) return `is nested more than ${LEVELS_MAX} levels deep`
  const { name, args } = node
  if (PLAIN.includes(name)) return args.length === 0 ? null : `gives ${name} a parameter, which it does not take`
  if (name in DECIMAL_DIGITS || name === 'Decimal' || name === 'DECIMAL') return decimalMistake(node)
  if (Object.hasOwn(ENUM_MAX, name)) return enumMistake(node)
  if (name === 'FixedString')
    return isWhole(args, 1, 1, FIXED_BYTES_MAX) ? null : `needs FixedString(N) with N from 1 to ${FIXED_BYTES_MAX}`
  if (name === 'DateTime' || name === 'DateTime32')
    return args.length <= 1 ? zoneMistake(args[0]) : `gives ${name} too many parameters`
  if (name === 'DateTime64' || name === 'Time64') return instantMistake(node)
  if (name === 'Nullable' || name === 'LowCardinality' || name === 'Array') return oneMistake(node, level)
  if (name === 'Map') return mapMistake(node, level)
  if (name === 'Tuple' || name === 'Nested') return elementsMistake(node, level)
  if (name === 'Variant') return variantMistake(node, level)
  if (name === 'JSON' || name === 'Dynamic' || name === 'QBit' || name === 'SimpleAggregateFunction') return null
  if (ALIASES.includes(name.toLowerCase())) return null
  return (
    `names ${name}, which is not a type of ClickHouse that records can be loaded into ` +
    '(names are written as in String, Int64)'
  )
}

function decimalMistake({ name, args }: TypeNode): string | null {
  const digits = DECIMAL_DIGITS[name]
  if (digits !== undefined) return isWhole(args, 1, 0, digits) ? null : `needs ${name}(S) with S from 0 to ${digits}`
  const [precision, scale] = args
  const max = DECIMAL_DIGITS.Decimal256 ?? 0
  const fits =
    args.length === 0 ||
    (precision !== undefined &&
      isWhole([precision], 1, 1, max) &&
      (scale === undefined || (args.length === 2 && isWhole([scale], 1, 0, Number(precision.text)))))
  return fits ? null : `needs Decimal(P, S) with P from 1 to ${max} and S from 0 to P`
}

/** `'text' = number`, or texts alone. */
function enumMistake({ name, args }: TypeNode): string | null {
  const max = ENUM_MAX[name] ?? 0
  const [texts, numbers] = [new Set<string>(), new Set<string>()]
  for (const { tokens } of args) {
    const [text, sign, number, ...more] = tokens
    const numbered = sign?.text === '=' && isNumber(number, -max - 1, max) && more.length === 0
    if (text?.kind !== 'text' || !(numbered || tokens.length === 1))
      return `needs ${name}('text' = number, …) with numbers up to ${max}`
    texts.add(text.text)
    if (numbered) numbers.add(String(Number(number?.text)))
  }
  if (args.length === 0) return `needs at least one text in ${name}`
  const isTwice = texts.size < args.length || (numbers.size > 0 && numbers.size < args.length)
  return isTwice ? `names a text or a number of ${name} twice, or numbers only some` : null
}

function instantMistake({ name, args: [digits, zone, ...more] }: TypeNode): string | null {
  if (digits === undefined) return null
  const max = INSTANT_DIGITS_MAX
  if (!isWhole([digits], 1, 0, max) || more.length > 0) return `needs ${name}(digits) with digits from 0 to ${max}`
  return name === 'Time64' ? (zone === undefined ? null : 'gives Time64 a zone') : zoneMistake(zone)
}

function zoneMistake(zone: Arg | undefined): string | null {
  if (zone === undefined) return null
  const [text] = zone.tokens
  if (zone.tokens.length !== 1 || text?.kind !== 'text') return "needs its time zone as a text, such as 'UTC'"
  try {
    new Intl.DateTimeFormat('en', { timeZone: text.text.slice(1, -1) })
    return null
  } catch {
    return `names a time zone that does not exist: ${text.text}`
  }
}

function oneMistake({ name, args }: TypeNode, level: number): string | null {
  const [inner] = args
  if (inner === undefined || args.length > 1) return `needs one type inside ${name}`
  const of = nameOf(inner)
  if (name === 'Nullable' && of !== 'JSON' && (PARTS.includes(of) || GEO.includes(of)))
    return `makes ${of} Nullable, which ClickHouse does not`
  if (name === 'LowCardinality') {
    const plain = of === 'Nullable' ? nameOf(nodeOf(inner.tokens)?.args[0] ?? inner) : of
    const isText = ['String', 'FixedString', 'UUID'].includes(plain) || ALIASES.includes(plain.toLowerCase())
    if (!isText) return `makes ${of} LowCardinality, which ClickHouse takes of texts only`
  }
  return mistakeIn(inner.tokens, level + 1)
}

function mapMistake({ args }: TypeNode, level: number): string | null {
  const [key, value] = args
  if (key === undefined || value === undefined || args.length > 2) return 'needs Map(key, value)'
  if (/^(LowCardinality \( )?Nullable\b/.test(key.text)) return 'has a Map key that may be NULL'
  return mistakeIn(key.tokens, level + 1) ?? mistakeIn(value.tokens, level + 1)
}

function elementsMistake({ name, args }: TypeNode, level: number): string | null {
  const names = new Set<string>()
  for (const { tokens } of args) {
    const [first, second] = tokens
    const isNamed = first?.kind === 'name' || (first?.kind === 'word' && second?.kind === 'word')
    if (!isNamed && name === 'Nested') return 'needs a name before each type of Nested'
    const element = first?.text.replace(/^`(.*)`$/s, '$1') ?? ''
    if (isNamed && (names.has(element) || element === 'null'))
      return `names the element ${element} of ${name}, which is there twice or reserved`
    if (isNamed) names.add(element)
    const mistake = mistakeIn(isNamed ? tokens.slice(1) : tokens, level + 1)
    if (mistake !== null) return mistake
  }
  return args.length === 0 && name === 'Nested' ? 'needs an element in Nested' : null
}

/** Values of two numeric types, or of two instant types, cannot be distinguished. */
const ALIKE = [/^U?Int\d|^B?Float|^Decimal/, /^Date/, /^Time/]

function variantMistake({ args }: TypeNode, level: number): string | null {
  const names = args.map(nameOf)
  if (names.some((name) => name === 'Nullable' || name === 'Variant' || name === 'Dynamic'))
    return 'has a Nullable, a Variant or a Dynamic inside Variant'
  for (const like of ALIKE)
    if (names.filter((name) => like.test(name)).length > 1) return 'has two types in Variant whose values look the same'
  return args.length === 0
    ? 'needs a type in Variant'
    : (args.map(({ tokens }) => mistakeIn(tokens, level + 1)).find((mistake) => mistake !== null) ?? null)
}
