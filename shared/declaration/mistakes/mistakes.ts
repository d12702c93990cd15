/**
 * From zod's first issue with a declaration to one DeclarationError for a person. It names file, stream, field and what
 * is wrong, and its hint shows how to write it. A misspelt field is reported as such, before the field that is missing
 * because of it.
 */
import type { z } from 'zod'
import { DeclarationError } from '../../errors.ts'
import { answersSpec } from '../answers.ts'
import { authSpec } from '../auth.ts'
import { namedSteps } from '../decode.ts'
import { discoverySpec } from '../discovery.ts'
import { paginateSpec } from '../paginate/paginate.ts'
import { quotaSpec } from '../quota.ts'
import { sourceSpec } from '../source-spec.ts'
import { streamSpec } from '../stream-spec.ts'
import { watermarkSpec } from '../watermark-spec.ts'
import { closest } from './spelling.ts'
import { exampleFor } from './wording.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** Makes the error for a field of a stream. */
export type Refuse = (field: string, what: string, hint: string) => DeclarationError

export function mistake(
  file: string,
  stream: string | null,
  field: string,
  what: string,
  hint: string,
): DeclarationError {
  const where = [file, stream === null ? null : `stream ${stream}`, field === '' ? null : `field ${field}`].filter(
    (part) => part !== null,
  )
  return new DeclarationError('HR_DECLARATION', `${where.join(', ')}: ${what}`, { hint })
}

/** A mistake that shows only when the stream runs. */
export const streamMistake = (
  { source, name }: { source: { file: string }; name: string },
  field: string,
  what: string,
  hint: string,
): DeclarationError => mistake(source.file, name, field, what, hint)

export function firstMistake(error: z.ZodError, input: unknown, file: string): DeclarationError {
  const issues = error.issues.map(deepest)
  const misspelt = issues.find(
    (issue) => issue.code === 'unrecognized_keys' && meant(issue.keys[0] ?? '', issue.path, input) !== null,
  )
  const issue = misspelt ?? issues[0]
  if (issue === undefined || input === undefined)
    return mistake(file, null, '', 'declares nothing', 'export default defineSource({ … })')
  if (issue.code === 'unrecognized_keys') return unknownField(issue.keys[0] ?? '', issue.path, input, file)
  const missing = valueAt(input, issue.path) === undefined && !saysAll(issue)
  const { stream, field } = placeOf(issue.path)
  const what = missing ? 'is missing' : wordsOf(issue)
  const example = exampleFor(issue.path)
  const hint = example === null ? 'see docs/sources.md' : `${missing ? 'add' : 'write'} ${example}`
  return mistake(file, stream, field, what, hint)
}

function unknownField(name: string, path: Path, input: unknown, file: string): DeclarationError {
  const { stream, field } = placeOf([...path, name])
  const other = meant(name, path, input)
  const known = knownFields(path, input)
  const hint =
    other !== null ? `did you mean ${other}?` : known.length > 0 ? `known fields: ${known.join(', ')}` : 'remove it'
  return mistake(file, stream, field, 'is not a known field here', hint)
}

const meant = (name: string, path: Path, input: unknown): string | null =>
  closest(
    name,
    knownFields(path, input).filter((known) => valueAt(input, [...path, known]) === undefined),
  )

/** The fields of the part of a declaration that a path leads to. */
function knownFields(path: Path, input: unknown): string[] {
  if (path.length === 0) return Object.keys(sourceSpec.shape)
  const [first, , third] = path
  if (first === 'answers' || third === 'answers') return Object.keys(answersSpec.shape)
  if (first === 'quota') return Object.keys(quotaSpec.shape)
  if (first === 'auth')
    return path.length === 1 ? fieldsOfKind(authSpec.options, path, input) : fieldsInAuth(path, input)
  if (first !== 'streams') return []
  if (path.length === 2) return Object.keys(streamSpec.shape)
  if (third === 'watermark') return Object.keys(watermarkSpec.shape)
  if (third === 'decode') return fieldsOfKind(namedSteps, path, input)
  if (third === 'partitions') return fieldsOfKind(discoverySpec.options, path, input)
  return third === 'paginate' ? fieldsOfKind(paginateSpec.options, path, input) : []
}

function fieldsOfKind(
  options: readonly { shape: { kind: { value: string } } }[],
  path: Path,
  input: unknown,
): string[] {
  const kind = valueAt(input, [...path, 'kind'])
  const option = options.find(({ shape }) => shape.kind.value === kind)
  return option === undefined ? [] : Object.keys(option.shape).filter((field) => field !== 'kind')
}

/** Of an object inside credentials, such as `auth.login`. */
function fieldsInAuth([first = '', ...inner]: Path, input: unknown): string[] {
  const kind = valueAt(input, [first, 'kind'])
  const option = authSpec.options.find(({ shape }) => shape.kind.value === kind)
  return fieldsBelow(option, inner.map(String)).filter((field) => field !== 'kind')
}

function fieldsBelow(type: z.core.$ZodType | undefined, steps: readonly string[]): string[] {
  const def = (type as z.core.$ZodTypes | undefined)?._zod.def
  if (def === undefined) return []
  if ('innerType' in def) return fieldsBelow(def.innerType, steps)
  if (def.type === 'union') return [...new Set(def.options.flatMap((option) => fieldsBelow(option, steps)))]
  if (def.type !== 'object') return []
  const [step, ...rest] = steps
  return step === undefined ? Object.keys(def.shape) : fieldsBelow(def.shape[step], rest)
}

/** A rule over several fields has its own message, even where the field that it points to is missing. */
const saysAll = (issue: Issue): boolean => issue.code === 'custom' && issue.params?.rule === true

function wordsOf(issue: Issue): string {
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined
  return inner ?? issue.message
}

/** A union's own message ("invalid input") does not help: the branch that got furthest knows what is wrong. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1)).sort((a, b) => b.path.length - a.path.length)
  const best = branches[0]
  return best === undefined ? issue : deepest({ ...best, path: [...issue.path, ...best.path] })
}

function placeOf(path: Path): { stream: string | null; field: string } {
  const inStream = path[0] === 'streams' && path.length > 1
  const field = (inStream ? path.slice(2) : path)
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
  return { stream: inStream ? String(path[1]) : null, field: field.replace(/^\./, '') }
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path)
    at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[step] : undefined
  return at
}
