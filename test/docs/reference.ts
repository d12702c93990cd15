/** docs/declaration.md: every field of a declaration, from the comments and types that an editor shows. */
import { join } from 'node:path'
import ts from 'typescript'
import { markdownTable } from '../../services/cli/markdown-table.ts'
import { commentOf, type DeclaredField, fieldsOf, uncommented } from './declared-fields.ts'
import { SECTIONS, type Section } from './sections.ts'
import { kindOf, type Named, namesKey, parametersOf } from './type-text.ts'
import { programOf, ROOT } from './typescript-program.ts'

/** Exported as a section each. */
const TYPES = `
import type * as headrace from 'headrace'
import type { SourceInput } from '#shared/declaration/typed-input.ts'
export type Source = SourceInput<Record<string, headrace.z.ZodObject>, Record<string, unknown>>
export type Stream = Source['streams'][string]
type Discovery = NonNullable<Exclude<Stream['partitions'], number | readonly unknown[]>>
type Place = string | ((...taken: never[]) => unknown) | { optional: unknown }
${SECTIONS.map(({ type }, at) => `export type Section${at} = ${type}`).join('\n')}
`

export type Described = Section & { about: string; fields: readonly DeclaredField[] }
export type Reference = {
  sections: readonly Described[]
  functions: readonly { call: string; text: string }[]
  /** Fields without a comment, and exported functions without one. */
  uncommented: readonly string[]
  /** Exported types of objects that no section describes. */
  undescribed: readonly string[]
}

export function readReference(): Reference {
  const { program, paths } = programOf({ 'declared-types.ts': TYPES })
  const checker = program.getTypeChecker()
  const types = typesOf(checker, program.getSourceFile(paths[0] ?? ''))
  const all = exportsOf(checker, program.getSourceFile(join(ROOT, 'shared', 'index.ts')))
  const exported = [...all.values()].filter(
    (symbol) => (symbol.flags & VALUE) !== 0 && checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0,
  )
  const named = namesOf(checker, exported, types)
  const sections = SECTIONS.map((section, at) => {
    const symbol = all.get(section.title)
    return {
      ...section,
      about: symbol === undefined ? '' : commentOf(checker, symbol).text,
      fields: fieldsOf(checker, types(`Section${at}`), named),
    }
  })
  const functions = exported.map((symbol) => ({
    call: callText(checker, symbol),
    text: commentOf(checker, symbol).text,
  }))
  const roots = [
    ...SECTIONS.map(({ title }, at) => [title, types(`Section${at}`)] as const),
    ...exported.flatMap((symbol) =>
      parametersIn(checker, symbol).map((parameter) => [symbol.name, checker.getTypeOfSymbol(parameter)] as const),
    ),
  ]
  const titles = SECTIONS.map(({ title }) => title)
  return {
    sections,
    functions,
    undescribed: [...all]
      .filter(([name, symbol]) => isObjectType(checker, symbol) && !titles.includes(name) && !ELSEWHERE.includes(name))
      .map(([name]) => name),
    uncommented: [
      ...uncommented(checker, roots),
      ...functions.filter(({ text }) => text === '').map(({ call }) => call),
    ],
  }
}

/** Described by the field that it is the value of. */
const ELSEWHERE = ['InstantOptions', 'z']

const isObjectType = (checker: ts.TypeChecker, symbol: ts.Symbol): boolean => {
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  const isFunction = type.getCallSignatures().length > 0 || type.isUnion()
  return (symbol.flags & ts.SymbolFlags.TypeAlias) !== 0 && !isFunction && type.getStringIndexType() === undefined
}

const VALUE = ts.SymbolFlags.Function | ts.SymbolFlags.Variable

const parametersIn = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] =>
  checker
    .getTypeOfSymbol(symbol)
    .getCallSignatures()
    .flatMap((signature) => signature.getParameters())

/** Themselves, where a file exports what another one declares. */
function exportsOf(checker: ts.TypeChecker, file: ts.SourceFile | undefined): Map<string, ts.Symbol> {
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  return new Map(
    (module === undefined ? [] : checker.getExportsOfModule(module)).map((symbol) => [
      symbol.name,
      (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
    ]),
  )
}

function typesOf(checker: ts.TypeChecker, file: ts.SourceFile | undefined): (name: string) => ts.Type {
  const symbols = exportsOf(checker, file)
  return (name) => {
    const symbol = symbols.get(name)
    if (symbol === undefined) throw new RangeError(`no type ${name}`)
    return checker.getDeclaredTypeOfSymbol(symbol)
  }
}

/** Links to the sections, from the types of fields. */
function namesOf(checker: ts.TypeChecker, exported: readonly ts.Symbol[], types: (name: string) => ts.Type): Named {
  const titles = new Set(SECTIONS.map(({ title }) => title))
  const calls = exported.flatMap((symbol): [string, string][] => {
    const kind = checker
      .getTypeOfSymbol(symbol)
      .getCallSignatures()
      .map((signature) => kindOf(checker, signature.getReturnType()))[0]
    const text = `\`${symbol.name}(…)\``
    return kind === undefined || kind === null
      ? []
      : [[kind, titles.has(symbol.name) ? linkTo(text, symbol.name) : text]]
  })
  const objects = SECTIONS.flatMap(({ title }, at): [string, string][] => {
    if (exported.some(({ name }) => name === title)) return []
    const names = checker.getPropertiesOfType(types(`Section${at}`)).map(({ name }) => name)
    return [[namesKey(names), linkTo(title, title)]]
  })
  return { calls: new Map(calls), objects: new Map(objects) }
}

const linkTo = (text: string, title: string): string => `[${text}](#${title.toLowerCase()})`

function callText(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures()
  return `${symbol.name}(${signature === undefined ? '' : parametersOf(checker, signature).join(', ')})`
}

/** The generated part of the page. */
export function referenceText({ sections, functions }: Reference): string {
  const parts = sections.flatMap(({ chapter, title, written, about, fields }) => [
    ...(chapter === undefined ? [] : [`## ${chapter}`]),
    `### ${title}`,
    ...(about === '' ? [] : [about]),
    written
      ? markdownTable(['Field', 'Type', 'Default', 'What it says'], fields.map(rowOf))
      : markdownTable(['Field', 'Type', 'What it says'], fields.map(givenRowOf)),
  ])
  const table = markdownTable(
    ['Function', 'What it makes'],
    functions.map(({ call, text }) => [`\`${call}\``, cell(text)]),
  )
  return [...parts, '## Functions', table].join('\n\n')
}

const rowOf = ({ name, type, required, byDefault, text }: DeclaredField): string[] => [
  `\`${name}\``,
  cell(type),
  byDefault === null ? (required ? 'required' : '') : `\`${byDefault}\``,
  cell(text),
]

const givenRowOf = ({ name, type, required, text }: DeclaredField): string[] => [
  `\`${name}${required ? '' : '?'}\``,
  cell(type),
  cell(text),
]

const cell = (text: string): string => text.replaceAll('|', '\\|')
