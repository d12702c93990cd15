/**
 * How a ClickHouse column type may change: pure. `joined` is the narrowest type that holds every value of both,
 * exactly. A column can be altered to it; where it is the column's own type, nothing has to be altered. Source: the
 * data types of ClickHouse's manual, and the behaviour of ALTER … MODIFY COLUMN.
 */

type Parsed = { name: string; args: string[] }

const INTEGER_BITS = [8, 16, 32, 64, 128, 256]
const DECIMAL_DIGITS_MAX = 76
/** Of `Decimal` and of `DateTime64` alone. */
const DECIMAL_DIGITS_DEFAULT = 10
const INSTANT_DIGITS_DEFAULT = 3
/** From 7 digits on an instant has a smaller range than the years 1900 to 2299. */
const INSTANT_DIGITS_MAX = 6
const ENUM8_MAX = 127
/** Types whose values a text column can hold just as well. */
const TEXT_TYPES = ['UUID', 'IPv4', 'IPv6', 'FixedString', 'Enum8', 'Enum16', 'Decimal']
const OBJECT_TYPES = ['Tuple', 'Map', 'JSON']

/** Null when no type holds the values of both unchanged. `is` itself, as it is written, when it holds them already. */
export function joined(is: string, wanted: string): string | null {
  const both = plain(is) === plain(wanted) ? is : joinedWrapped(is, wanted)
  return both !== null && plain(both) === plain(is) ? is : both
}

function joinedWrapped(is: string, wanted: string): string | null {
  const [a, b] = [parsed(is), parsed(wanted)]
  if (a.name === 'LowCardinality' || b.name === 'LowCardinality') {
    const inner = joined(a.name === 'LowCardinality' ? only(a) : is, b.name === 'LowCardinality' ? only(b) : wanted)
    return inner === null || a.name !== 'LowCardinality' ? inner : `LowCardinality(${inner})`
  }
  if (a.name === 'Nullable' || b.name === 'Nullable') {
    const inner = joined(a.name === 'Nullable' ? only(a) : is, b.name === 'Nullable' ? only(b) : wanted)
    return wrapped(inner, (type) => `Nullable(${type})`)
  }
  return joinedPlain(a, b, is, wanted)
}

function joinedPlain(a: Parsed, b: Parsed, is: string, wanted: string): string | null {
  if (a.name === 'JSON' && OBJECT_TYPES.includes(b.name)) return is
  if (a.name === 'Variant' && a.args.some((member) => plain(member) === plain(wanted))) return is
  if (b.name === 'Variant' && b.args.some((member) => plain(member) === plain(is))) return wanted
  if (a.name === 'String' && TEXT_TYPES.includes(b.name)) return is
  if (isInteger(a) && isInteger(b)) return joinedIntegers(a.name, b.name)
  if (/^Float/.test(a.name) && /^Float/.test(b.name)) return 'Float64'
  if (/^Enum/.test(a.name) && /^Enum/.test(b.name)) return joinedEnums(a, b)
  if (isTuple(a) && isTuple(b)) return joinedTuples(a, b)
  if (a.name !== b.name) return null
  if (a.name === 'Array') return wrapped(joined(only(a), only(b)), (inner) => `Array(${inner})`)
  if (a.name === 'Map' && plain(a.args[0] ?? '') === plain(b.args[0] ?? '')) {
    return wrapped(joined(a.args[1] ?? '', b.args[1] ?? ''), (value) => `Map(${a.args[0]}, ${value})`)
  }
  if (a.name === 'Decimal') return joinedDecimals(a, b)
  return a.name === 'DateTime64' ? joinedInstants(a, b) : null
}

const wrapped = (inner: string | null, wrap: (inner: string) => string): string | null =>
  inner === null ? null : wrap(inner)
const only = ({ args }: Parsed): string => args[0] ?? ''
const isTuple = ({ name }: Parsed): boolean => name === 'Tuple' || name === 'Nested'
const isInteger = ({ name }: Parsed): boolean => /^U?Int\d+$/.test(name)

/** An unsigned one fits into a signed one of twice its bits. */
function joinedIntegers(a: string, b: string): string | null {
  const isUnsigned = a.startsWith('U') && b.startsWith('U')
  const needed = [a, b].map((name) => Number(name.replace(/\D+/, '')) * (name.startsWith('U') && !isUnsigned ? 2 : 1))
  const bits = INTEGER_BITS.find((each) => each >= Math.max(...needed))
  return bits === undefined ? null : `${isUnsigned ? 'U' : ''}Int${bits}`
}

/** Null for anything but an integer type of ClickHouse. */
export function integerBounds(type: string): { min: bigint; max: bigint } | null {
  const [, unsigned, bits] = /^(?:Nullable\()?(U?)Int(\d+)\)?$/.exec(type.trim()) ?? []
  if (bits === undefined) return null
  if (unsigned === 'U') return { min: 0n, max: 2n ** BigInt(bits) - 1n }
  return { min: -(2n ** BigInt(Number(bits) - 1)), max: 2n ** BigInt(Number(bits) - 1) - 1n }
}

function joinedDecimals(a: Parsed, b: Parsed): string | null {
  const [precisionA = DECIMAL_DIGITS_DEFAULT, scaleA = 0] = a.args.map(Number)
  const [precisionB = DECIMAL_DIGITS_DEFAULT, scaleB = 0] = b.args.map(Number)
  const scale = Math.max(scaleA, scaleB)
  const precision = Math.max(precisionA - scaleA, precisionB - scaleB) + scale
  return precision > DECIMAL_DIGITS_MAX ? null : `Decimal(${precision}, ${scale})`
}

function joinedInstants(a: Parsed, b: Parsed): string | null {
  const digits = Math.max(...[a, b].map(({ args }) => Number(args[0] ?? INSTANT_DIGITS_DEFAULT)))
  if (digits > INSTANT_DIGITS_MAX) return null
  return `DateTime64(${[digits, ...a.args.slice(1)].join(', ')})`
}

/** A member keeps its number: what is stored is the number. */
function joinedEnums(a: Parsed, b: Parsed): string | null {
  const members = new Map<string, number>()
  for (const arg of [...a.args, ...b.args]) {
    const [, text, number] = /^('(?:[^'\\]|\\.)*')\s*=\s*(-?\d+)$/.exec(arg.trim()) ?? []
    if (text === undefined) return null
    if ((members.get(text) ?? Number(number)) !== Number(number)) return null
    members.set(text, Number(number))
  }
  if (new Set(members.values()).size < members.size) return null
  const wide =
    a.name === 'Enum16' || [...members.values()].some((number) => number > ENUM8_MAX || number < -ENUM8_MAX - 1)
  return `Enum${wide ? 16 : 8}(${[...members].map(([text, number]) => `${text} = ${number}`).join(', ')})`
}

/** Elements are matched by name; a new one is appended. */
function joinedTuples(a: Parsed, b: Parsed): string | null {
  const elements = a.args.map(elementOf)
  for (const { name, type } of b.args.map(elementOf)) {
    const known = elements.find((element) => element.name === name)
    if (known === undefined) {
      elements.push({ name, type })
      continue
    }
    const both = joined(known.type, type)
    if (both === null) return null
    known.type = both
  }
  if (elements.some(({ name }) => name === null)) return null
  return `${a.name}(${elements.map(({ name, type }) => `${name} ${type}`).join(', ')})`
}

/** `name type`; the name is kept as it is written, quotes included. */
export function elementOf(arg: string): { name: string | null; type: string } {
  const [, name, type] = /^(`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)\s+(.+)$/s.exec(arg.trim()) ?? []
  if (name === undefined || type === undefined) return { name: null, type: arg.trim() }
  return { name: /^`[A-Za-z_]\w*`$/.test(name) ? name.slice(1, -1) : name, type }
}

export function parsed(type: string): Parsed {
  const text = type.trim()
  const open = text.indexOf('(')
  if (open === -1) return { name: text, args: [] }
  return { name: text.slice(0, open).trim(), args: split(text.slice(open + 1, text.lastIndexOf(')'))) }
}

/** Splits at commas outside of parentheses and quotes. */
function split(text: string): string[] {
  const parts: string[] = []
  let [depth, start] = [0, 0]
  for (const { 0: sign, index } of text.matchAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]/gs)) {
    if (sign === '(') depth++
    else if (sign === ')') depth--
    else if (sign === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}

/** Normalised: without blanks outside of quotes, and without quotes around a plain name. */
function plain(type: string): string {
  return type
    .split(/('(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/)
    .map((part) => {
      if (part.startsWith("'")) return part
      return part.startsWith('`') ? part.replace(/^`([A-Za-z_]\w*)`$/, '$1') : part.replaceAll(/\s/g, '')
    })
    .join('')
}
