/**
 * ClickHouse's column types as far as a change of one has to be judged: pure. `joined` is the narrowest type that holds every value of both,
 * exactly. It is what a column can be altered to, and where it is the column's own type there is nothing to alter. Source: the data types of
 * ClickHouse's manual, and what ALTER … MODIFY COLUMN does with them.
 */

type Parsed = { name: string; args: string[] }

const INTEGERS = ['Int8', 'Int16', 'Int32', 'Int64', 'Int128', 'Int256'] as const
const BITS_FIRST = 8
const DECIMAL_DIGITS_MAX = 76
/** From 7 digits on an instant has less range: it is no longer the years 1900 to 2299. */
const INSTANT_DIGITS_MAX = 6
const ENUM8_MAX = 127
/** What a text column holds as well as its own type does. */
const TEXT_TYPES = ['UUID', 'IPv4', 'IPv6', 'FixedString', 'Enum8', 'Enum16', 'Decimal']
const OBJECT_TYPES = ['Tuple', 'Map', 'JSON']

/** Null when no type holds the values of both as they are. `is` itself, as it is written, when it holds them already. */
export function joined(is: string, wanted: string): string | null {
  if (plain(is) === plain(wanted)) return is
  const [a, b] = [parsed(is), parsed(wanted)]
  if (a.name === 'LowCardinality' || b.name === 'LowCardinality') {
    const inner = joined(a.name === 'LowCardinality' ? only(a) : is, b.name === 'LowCardinality' ? only(b) : wanted)
    if (inner === null || a.name !== 'LowCardinality') return inner
    return inner === only(a) ? is : `LowCardinality(${inner})`
  }
  if (a.name === 'Nullable' || b.name === 'Nullable') {
    const inner = joined(a.name === 'Nullable' ? only(a) : is, b.name === 'Nullable' ? only(b) : wanted)
    if (inner === null) return null
    return a.name === 'Nullable' && inner === only(a) ? is : `Nullable(${inner})`
  }
  const result = joinedPlain(a, b, is, wanted)
  return result !== null && plain(result) === plain(is) ? is : result
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

const wrapped = (inner: string | null, wrap: (inner: string) => string): string | null => (inner === null ? null : wrap(inner))
const only = ({ args }: Parsed): string => args[0] ?? ''
const isTuple = ({ name }: Parsed): boolean => name === 'Tuple' || name === 'Nested'
const isInteger = ({ name }: Parsed): boolean => /^U?Int\d+$/.test(name)

/** An unsigned one fits into a signed one of twice its bits. */
function joinedIntegers(a: string, b: string): string | null {
  const bits = (name: string) => Number(/\d+$/.exec(name)?.[0] ?? BITS_FIRST)
  if (a.startsWith('U') && b.startsWith('U')) return bits(a) >= bits(b) ? a : b
  const signed = (name: string) => (name.startsWith('U') ? bits(name) * 2 : bits(name))
  return INTEGERS.find((name) => bits(name) >= Math.max(signed(a), signed(b))) ?? null
}

/** Null for what is no integer type of ClickHouse. */
export function integerBounds(type: string): { min: bigint; max: bigint } | null {
  const [, unsigned, bits] = /^(?:Nullable\()?(U?)Int(\d+)\)?$/.exec(type.trim()) ?? []
  if (bits === undefined) return null
  if (unsigned === 'U') return { min: 0n, max: 2n ** BigInt(bits) - 1n }
  return { min: -(2n ** BigInt(Number(bits) - 1)), max: 2n ** BigInt(Number(bits) - 1) - 1n }
}

function joinedDecimals(a: Parsed, b: Parsed): string | null {
  const [[precisionA = 0, scaleA = 0], [precisionB = 0, scaleB = 0]] = [a.args.map(Number), b.args.map(Number)]
  const scale = Math.max(scaleA, scaleB)
  const precision = Math.max(precisionA - scaleA, precisionB - scaleB) + scale
  return precision > DECIMAL_DIGITS_MAX ? null : `Decimal(${precision}, ${scale})`
}

function joinedInstants(a: Parsed, b: Parsed): string | null {
  const digits = Math.max(Number(a.args[0]), Number(b.args[0]))
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
  const wide = a.name === 'Enum16' || [...members.values()].some((number) => number > ENUM8_MAX || number < -ENUM8_MAX - 1)
  return `Enum${wide ? 16 : 8}(${[...members].map(([text, number]) => `${text} = ${number}`).join(', ')})`
}

/** Elements are known by their names; a new one comes behind the others. */
function joinedTuples(a: Parsed, b: Parsed): string | null {
  const elements = a.args.map(elementOf)
  for (const { name, type } of b.args.map(elementOf)) {
    if (name === null) return null
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
function elementOf(arg: string): { name: string | null; type: string } {
  const [, name, type] = /^(`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)\s+(.+)$/s.exec(arg.trim()) ?? []
  if (name === undefined || type === undefined) return { name: null, type: arg.trim() }
  return { name: /^`[A-Za-z_]\w*`$/.test(name) ? name.slice(1, -1) : name, type }
}

function parsed(type: string): Parsed {
  const text = type.trim()
  const open = text.indexOf('(')
  if (open === -1) return { name: text, args: [] }
  return { name: text.slice(0, open).trim(), args: split(text.slice(open + 1, text.lastIndexOf(')'))) }
}

/** At the commas that are in no parentheses and no quotes. */
function split(text: string): string[] {
  const parts: string[] = []
  let [depth, start, quote] = [0, 0, '']
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (quote !== '') {
      if (char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === "'" || char === '`') quote = char
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}

/** Without what may be written either way: blanks outside of quotes, and quotes around a plain name. */
function plain(type: string): string {
  return type
    .split(/('(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/)
    .map((part) => {
      if (part.startsWith("'")) return part
      return part.startsWith('`') ? part.replace(/^`([A-Za-z_]\w*)`$/, '$1') : part.replaceAll(/\s/g, '')
    })
    .join('')
}
