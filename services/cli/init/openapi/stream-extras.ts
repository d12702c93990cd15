/** What a document adds to a stream: where the values in its path come from, parameters that it needs, remarks. */

import type { EndpointFindings } from '../asked/findings.ts'
import { type StreamExtras, todoText } from '../asked/stream-lines.ts'
import { TEXT } from '../guess/scalar-types.ts'
import type { ValueType } from '../guess/type.ts'
import { LINE_COLUMNS, literal, property, quoted } from '../source-text.ts'
import type { PathValues } from './path-values.ts'
import type { DocumentStream } from './read-document.ts'
import { escaped } from './tree.ts'

/** A stream whose records a run can read: what it sees of them, and the types of the values in its path. */
export type ParentStream = { findings: EndpointFindings; types: Readonly<Record<string, ValueType>> }
/** By the name of the stream. */
export type Parents = ReadonlyMap<string, ParentStream>

const INDENT = '      '
const PARTITIONS = 8

/** `decided`: with a value in place of each open decision. */
export function extrasOf(
  stream: DocumentStream,
  findings: EndpointFindings,
  { parents, decided, notes }: { parents: Parents; decided: boolean; notes: readonly string[] },
): StreamExtras {
  const { path, missingParams } = stream
  return {
    notes,
    path,
    partitions: partitionsOf(stream, parents, decided),
    envelope: Object.fromEntries(addedFields(stream, findings).map(({ field, name }) => [field, `{${name}}`])),
    missing: Object.fromEntries(missingParams.map((name) => [name, paramQuestion(name)])),
  }
}

/** Open questions of its path and parameters. */
export function openQuestions(stream: DocumentStream, parents: Parents): { field: string; question: string }[] {
  return [
    ...(needsValues(stream, parents) ? [{ field: 'partitions', question: pathQuestion(stream) }] : []),
    ...stream.missingParams.map((name) => ({ field: `params.${name}`, question: paramQuestion(name) })),
  ]
}

export const needsValues = ({ pathValues }: DocumentStream, parents: Parents): boolean =>
  pathValues !== null && pathValues.offered.length === 0 && parentValue(pathValues, parents) === null

function partitionsOf(stream: DocumentStream, parents: Parents, decided: boolean): StreamExtras['partitions'] {
  const { pathValues } = stream
  if (pathValues === null) return null
  const own = parentValue(pathValues, parents)
  if (pathValues.parent !== null && own !== null) {
    const pointers = pathValues.names.map((name) => [
      name,
      name === pathValues.names.at(-1) ? own.pointer : `{${name}}`,
    ])
    const values = literal(Object.fromEntries(pointers), `${INDENT}  `)
    const members = [`stream: ${quoted(pathValues.parent.stream)}`, `over: ${PARTITIONS}`, `values: ${values}`]
    return { code: called('parent', members), imports: ['parent'] }
  }
  if (pathValues.offered.length > 0)
    return { code: literal(pathValues.offered, INDENT, INDENT.length + 12), imports: [] }
  if (decided)
    return { code: literal([Object.fromEntries(pathValues.names.map((each) => [each, 'x']))], INDENT), imports: [] }
  return { code: todoText(pathQuestion(stream), INDENT, 'partitions'), imports: ['todo'] }
}

/** On one line where it fits. */
function called(name: string, members: readonly string[]): string {
  const short = `${name}({ ${members.join(', ')} })`
  if (`${INDENT}partitions: ${short},`.length <= LINE_COLUMNS) return short
  return `${name}({\n${members.map((member) => `${INDENT}  ${member},\n`).join('')}${INDENT}})`
}

const paramQuestion = (name: string): string => `the document requires the parameter ${name} and offers no value`

const pathQuestion = ({ path, pathValues }: DocumentStream): string => {
  const values = (pathValues?.names ?? []).map((name) => `${property(name)}: '…'`).join(', ')
  return `which values has ${path}? A list [{ ${values} }], discover(…) or parent(…)`
}

type ParentValue = { pointer: string; type: ValueType; own: ParentStream }

/** The last value of the path, if a run of the parent has it as a text or a number. */
function parentValue({ parent }: PathValues, parents: Parents): ParentValue | null {
  const own = parent === null ? undefined : parents.get(parent.stream)
  if (parent === null || own === undefined) return null
  const name = own.findings.renaming?.rename(parent.field) ?? parent.field
  const type = own.findings.fields.find((field) => field.name === name)?.type
  return type?.kind === 'scalar' ? { pointer: `/${escaped(name)}`, type, own } : null
}

/** Of the values in its path; those that a list names are texts. */
export function pathTypes({ pathValues }: DocumentStream, parents: Parents): ParentStream['types'] {
  if (pathValues === null) return {}
  const found = parentValue(pathValues, parents)
  const inherited = pathValues.names.map((name) => [name, found?.own.types[name] ?? TEXT] as const)
  const last = pathValues.names.at(-1) ?? ''
  return { ...Object.fromEntries(inherited), ...(found === null ? {} : { [last]: found.type }) }
}

/** Each record gets the values of its path, unless it has them itself: they tell records of slices apart. */
function addedFields(
  { pathValues, path, schema }: DocumentStream,
  { fields }: EndpointFindings,
): { field: string; name: string }[] {
  const own = [...Object.keys((schema.properties ?? {}) as object), ...fields.map(({ name }) => name)]
  return (pathValues?.names ?? []).flatMap((name) => {
    const before = path.slice(0, path.indexOf(`{${name}}`)).split('/')
    const list = before.findLast((word) => word !== '' && !word.includes('{')) ?? 'parent'
    const thing = list.replace(/[^A-Za-z0-9]+/g, '_').replace(/s$/i, '')
    const field = /^_?(id|uuid|key|slug|name)$/i.test(name) ? `${thing}_${name.replace(/^_+/, '')}` : name
    return field.startsWith('_') || own.includes(field) ? [] : [{ field, name }]
  })
}

/** Findings with the fields that the path's values add; they are part of the key. */
export function withAddedFields(
  findings: EndpointFindings,
  envelope: StreamExtras['envelope'],
  types: ParentStream['types'],
): EndpointFindings {
  const names = Object.keys(envelope)
  if (names.length === 0) return findings
  const { key } = findings
  const added = Object.entries(envelope).map(([field, place]) => ({
    ...{ name: field, type: types[place.slice(1, -1)] ?? TEXT, nullable: false, optional: false },
    why: `the value of ${place} in the path`,
  }))
  const keyed = key.fields === null ? key : { ...key, fields: [...names, ...key.fields] }
  return { ...findings, fields: [...added, ...findings.fields], key: keyed }
}
