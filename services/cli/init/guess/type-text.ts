/** Guessed types as the zod types of a declaration, each with the comment that says what it was guessed from. */
import { comment, LINE_COLUMNS, property } from '../source-text.ts'
import type { FieldType, NullableType, ValueType } from './type.ts'

/** The fields of an object, one below the other. */
export function fieldsText(fields: readonly FieldType[], indent: string): string {
  return fields.map((field) => fieldText(field, indent)).join('\n')
}

function fieldText(field: FieldType, indent: string): string {
  const { name, type, nullable, optional, why } = field
  const wrap = nullable && optional ? 'nullish' : nullable ? 'nullable' : optional ? 'optional' : null
  const head = `${indent}${property(name)}: `
  const code = typeText(type, wrap, indent)
  const note = `// guessed: ${why}`
  if (!code.includes('\n') && head.length + code.length + note.length + 2 <= LINE_COLUMNS)
    return `${head}${code}, ${note}`
  return `${comment(`guessed: ${why}`, indent)}\n${head}${code},`
}

type Wrap = 'nullable' | 'optional' | 'nullish' | null

function typeText(type: ValueType, wrap: Wrap, indent: string): string {
  if (type.kind === 'scalar') return wrap === null ? type.code : `${type.code}.${wrap}()`
  if (type.kind === 'object' && type.fields.length === 0)
    return wrap === null ? 'z.looseObject({})' : `z.looseObject({}).${wrap}()`
  return wrap === null ? openText(type, indent) : called(`z.${wrap}`, (inner) => openText(type, inner), indent)
}

function openText(type: Exclude<ValueType, { kind: 'scalar' }>, indent: string): string {
  if (type.kind === 'object') return `z.looseObject({\n${fieldsText(type.fields, `${indent}  `)}\n${indent}})`
  if (type.kind === 'list') return called('z.array', (inner) => nullableText(type.item, inner), indent)
  return called('z.record', (inner) => nullableText(type.value, inner), indent, 'z.string()')
}

const nullableText = ({ type, nullable }: NullableType, indent: string): string =>
  typeText(type, nullable ? 'nullable' : null, indent)

/** On one line where the argument has one line, else with each argument on lines of its own. */
function called(name: string, argument: (indent: string) => string, indent: string, first?: string): string {
  const short = argument(indent)
  const before = first === undefined ? '' : `${first}, `
  if (!short.includes('\n')) return `${name}(${before}${short})`
  const inner = `${indent}  `
  const head = first === undefined ? '' : `${inner}${first},\n`
  return `${name}(\n${head}${inner}${argument(inner)},\n${indent})`
}

/** What the types need from 'headrace', besides z. */
export function importsOf(fields: readonly FieldType[]): string[] {
  return fields.flatMap(({ type }) => importsIn(type))
}

function importsIn(type: ValueType): string[] {
  if (type.kind === 'scalar') return [...type.imports]
  if (type.kind === 'object') return importsOf(type.fields)
  return importsIn(type.kind === 'list' ? type.item.type : type.value.type)
}
