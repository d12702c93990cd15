/**
 * From a text to an OpenAPI or Swagger object: JSON or YAML, of bounded size and depth. Only a text that holds
 * neither is refused; whatever else is wrong is reported.
 */
import { parseDocument as parseYaml } from 'yaml'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { MIB } from '#shared/units.ts'
import type { Problems } from './problems.ts'
import { at, isTree, type Tree } from './tree.ts'

export const DOCUMENT_BYTES_MAX = 64 * MIB
/** Objects, lists and values. */
const VALUES_MAX = 5_000_000
const DEPTH_MAX = 120
/** Aliases of YAML that stand for the same object many times. */
const ALIASES_MAX = 10_000

export type Version = '2.0' | '3.0' | '3.1'
export type Parsed = { root: Tree; version: Version }

/** `from`: the file or the address. Throws WrongUse. */
export function parseDocument(text: string, from: string, problems: Problems): Parsed {
  const { value, defect } = parsed(text.replace(/^\uFEFF/, ''))
  const root = bounded(value, problems)
  const version = isTree(root) ? versionOf(root, problems) : null
  if (!isTree(root) || version === null) throw refusal(from, defect ?? whatItIs(root))
  if (defect !== null) problems.report('document', defect)
  return { root: { ...root, ...VERSION_FIELDS[version] }, version }
}

const VERSION_FIELDS: Readonly<Record<Version, Tree>> = {
  '2.0': { swagger: '2.0' },
  '3.0': { openapi: '3.0.0' },
  '3.1': { openapi: '3.1.0' },
}

export const refusal = (from: string, why: string): WrongUse =>
  new WrongUse('HR_OPENAPI', `${from} is not an OpenAPI or Swagger document: ${why}`, {
    hint: 'give the JSON or YAML file itself, whose first fields are openapi or swagger, info and paths',
  })

function parsed(text: string): { value: unknown; defect: string | null } {
  try {
    return { value: JSON.parse(text), defect: null }
  } catch (error) {
    return /^\s*[{[]/.test(text) ? asYaml(text, `is not JSON: ${firstLine(messageOf(error))}`) : asYaml(text, null)
  }
}

/** What can be read of a text with defects is used. */
function asYaml(text: string, defect: string | null): { value: unknown; defect: string | null } {
  try {
    const document = parseYaml(text, { merge: true, uniqueKeys: false, logLevel: 'silent', prettyErrors: true })
    const [error] = document.errors
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX })
    return { value, defect: defect ?? (error === undefined ? null : `is not YAML: ${firstLine(error.message)}`) }
  } catch (error) {
    return { value: undefined, defect: defect ?? `is not YAML: ${firstLine(messageOf(error))}` }
  }
}

const firstLine = (text: string): string => text.split('\n')[0]?.replace(/:$/, '') ?? ''

/** A copy without cycles, which YAML can have, and without prototypes. */
function bounded(value: unknown, problems: Problems): unknown {
  let left = VALUES_MAX
  const above = new Set<unknown>()
  const whatIsWrong = (given: object, depth: number): string | null => {
    if (above.has(given)) return 'contains itself'
    if (depth > DEPTH_MAX) return `is nested more than ${DEPTH_MAX} levels deep`
    return left < 0 ? `has more than ${VALUES_MAX} values` : null
  }
  const copy = (given: unknown, depth: number): unknown => {
    left -= 1
    if (typeof given !== 'object' || given === null) return given
    const wrong = whatIsWrong(given, depth)
    if (wrong !== null) {
      problems.report('document', `${wrong}; what lies beyond is not read`)
      return null
    }
    above.add(given)
    const inner = Array.isArray(given) ? given.map((each) => copy(each, depth + 1)) : copyEntries(given, depth)
    above.delete(given)
    return inner
  }
  const copyEntries = (given: object, depth: number): Tree =>
    Object.fromEntries(
      (given instanceof Map ? [...given] : Object.entries(given))
        .filter(([name]) => name !== '__proto__')
        .map(([name, each]) => [String(name), copy(each, depth + 1)]),
    )
  return copy(value, 0)
}

function versionOf(root: Tree, problems: Problems): Version | null {
  const [openapi, swagger] = [at(root, 'openapi'), at(root, 'swagger')].map(versionText)
  if (openapi?.startsWith('3.0')) return '3.0'
  if (openapi?.startsWith('3')) return '3.1'
  if (swagger?.startsWith('2')) return '2.0'
  if (!isTree(root.paths)) return null
  const isOld = ['definitions', 'host', 'basePath', 'securityDefinitions'].some((name) => Object.hasOwn(root, name))
  const stated = openapi ?? swagger
  const says = stated === undefined ? 'names no version' : `names the version "${stated}"`
  problems.report('document', `${says}; it is read as ${isOld ? 'Swagger 2.0' : 'OpenAPI 3.0'}`)
  return isOld ? '2.0' : '3.0'
}

/** YAML reads 2.0 and 3.1 without quotes as numbers. */
function versionText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

function whatItIs(value: unknown): string {
  if (value === undefined || value === null) return 'it is empty'
  if (typeof value === 'string' && /^\s*</.test(value)) return 'it is a page of HTML'
  if (!isTree(value)) return `it is a ${Array.isArray(value) ? 'list' : typeof value}`
  const names = Object.keys(value).slice(0, 5).join(', ')
  if (Object.hasOwn(value, 'asyncapi')) return 'it describes events (AsyncAPI)'
  if (Object.hasOwn(value, 'swaggerVersion')) return 'it is of Swagger 1, which is not read'
  return names === '' ? 'it is an empty object' : `it has neither openapi nor swagger, but ${names}`
}
