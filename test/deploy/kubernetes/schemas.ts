/**
 * Objects of Kubernetes against the schemas of `schemas/` (written by `write-schemas.ts`). A finding names the file,
 * the object and the place in it. Unknown kinds and unknown fields are findings: a cluster would refuse the one and
 * drop the other without a word.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'

export type Schema = Record<string, unknown>
export type KindSchemas = {
  /** Where they come from: a Go module and its version. */
  source: string
  license: string
  /** `apps/v1 Deployment` → the name of its definition. */
  kinds: Record<string, string>
  definitions: Record<string, Schema>
}
export type KafkaTrigger = Record<string, { in: string[]; values?: string[] }>

const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', file), 'utf8'))

const FILES = ['kubernetes', 'keda', 'prometheus-operator'] as const
const all: Readonly<Record<string, KindSchemas>> = Object.fromEntries(
  FILES.map((name): [string, KindSchemas] => [name, read(`${name}.json`)]),
)
/** The parameters of KEDA's trigger `kafka`. */
export const kafkaTrigger: KafkaTrigger = read('keda.json').kafkaTrigger
export const sources: readonly string[] = Object.values(all).map(({ source }) => source)

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, verbose: true })
for (const [name, { definitions }] of Object.entries(all)) ajv.addSchema({ $id: name, definitions })

const validators = new Map<string, ValidateFunction>(
  Object.entries(all).flatMap(([name, { kinds }]) =>
    Object.entries(kinds).map(([kind, definition]): [string, ValidateFunction] => [
      kind,
      ajv.compile({ $ref: `${name}#/definitions/${definition}` }),
    ]),
  ),
)

export type Manifest = { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown }; [field: string]: unknown }

/** How a message names an object: its file, kind and name. */
export const labelOf = (file: string, { kind, metadata }: Manifest): string =>
  `${file}: ${String(kind)} ${String(metadata?.name)}`

export function schemaFindings(file: string, manifest: Manifest): string[] {
  const label = labelOf(file, manifest)
  const kind = `${String(manifest.apiVersion)} ${String(manifest.kind)}`
  const validate = validators.get(kind)
  if (validate === undefined) return [`${label}: no such kind: ${kind}`]
  if (validate(manifest)) return []
  // `oneOf` repeats what its branches say.
  return (validate.errors ?? []).filter(({ keyword }) => keyword !== 'oneOf').map((error) => `${label}: ${said(error)}`)
}

function said({ keyword, instancePath, params, message, data }: ErrorObject): string {
  const place = instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/')
  const within = (name: unknown) => (place === '' ? String(name) : `${place}.${String(name)}`)
  if (keyword === 'additionalProperties') return `${within(params.additionalProperty)}: no such field`
  if (keyword === 'required') return `${within(params.missingProperty)}: missing`
  return `${place}: ${message}, and it is ${JSON.stringify(data)}`
}
