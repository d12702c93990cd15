/** What a document adds to a stream: where the values in its path come from, parameters that it needs, remarks. */

import type { EndpointFindings } from '../asked/findings.ts'
import { type StreamExtras, todoText } from '../asked/stream-lines.ts'
import { TEXT } from '../guess/scalar-types.ts'
import { LINE_COLUMNS, literal, property, quoted } from '../source-text.ts'
import type { DocumentStream } from './read-document.ts'

/** Of the streams that are parents, by name: what a run sees of their records. */
export type Parents = ReadonlyMap<string, EndpointFindings>

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
  pathValues !== null && pathValues.offered.length === 0 && parentField(pathValues.parent, parents) === null

function partitionsOf(stream: DocumentStream, parents: Parents, decided: boolean): StreamExtras['partitions'] {
  const { pathValues } = stream
  if (pathValues === null) return null
  const [name = ''] = pathValues.names
  const field = parentField(pathValues.parent, parents)
  if (pathValues.parent !== null && field !== null) {
    const record = /^[A-Za-z_$][\w$]*$/.test(field) ? `record.${field}` : `record[${quoted(field)}]`
    const values = `(record) => ({ ${property(name)}: String(${record}) })`
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

/** The parent's field, if a run of the parent has it as a text or a number. */
export function parentField(
  parent: NonNullable<DocumentStream['pathValues']>['parent'],
  parents: Parents,
): string | null {
  const findings = parent === null ? undefined : parents.get(parent.stream)
  if (parent === null || findings === undefined) return null
  const name = findings.renaming?.rename(parent.field) ?? parent.field
  const field = findings.fields.find((each) => each.name === name)
  return field?.type.kind === 'scalar' ? name : null
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

/** EndpointFindings with the fields that the path's values add; they are part of the key. */
export function withAddedFields(findings: EndpointFindings, envelope: StreamExtras['envelope']): EndpointFindings {
  const names = Object.keys(envelope)
  if (names.length === 0) return findings
  const { key } = findings
  const added = names.map((name) => ({
    ...{ name, type: TEXT, nullable: false, optional: false },
    why: `the value of ${envelope[name]} in the path`,
  }))
  const keyed = key.fields === null ? key : { ...key, fields: [...names, ...key.fields] }
  return { ...findings, fields: [...added, ...findings.fields], key: keyed }
}
