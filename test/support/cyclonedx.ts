/** CycloneDX 1.5 as its own library has the schema. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import * as formats from 'ajv-formats'

const LIBRARY = dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json'))
const schema = (name: string) =>
  JSON.parse(readFileSync(join(LIBRARY, 'res', 'schema', `${name}.SNAPSHOT.schema.json`), 'utf8'))

/** Where a bill of materials is not valid. Formats of addresses in other scripts are not checked. */
export function mistakesInBom(bom: unknown): string[] {
  const ajv = new Ajv({ allErrors: true, strict: false, formats: { 'iri-reference': true, 'idn-email': true } })
  formats.default.default(ajv)
  // The library renamed its files and what refers to them, not their ids.
  for (const name of ['spdx', 'jsf-0.82'])
    ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` })
  const isValid = ajv.compile(schema('bom-1.5'))
  if (isValid(bom)) return []
  return (isValid.errors ?? []).map(({ instancePath, message }: ErrorObject) => `${instancePath} ${message}`)
}
