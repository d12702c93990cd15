/**
 * Versions read each other's data. Each fixture in formats/ is what one version wrote, and what its readers accept:
 * today's readers read the first, and today's writers write the second. docs/upgrading.md promises it.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { VERSION } from '#shared/version.ts'
import { FORMATS, type Recorded } from './formats/formats.ts'

const DIR = join(import.meta.dirname, 'formats')
const versions = readdirSync(DIR)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace(/\.json$/, ''))
const fixture = (version: string): Record<string, Recorded> =>
  JSON.parse(readFileSync(join(DIR, `${version}.json`), 'utf8'))

const accepting = (schema: object) => new Ajv2020({ strict: false, validateFormats: false }).compile(schema)

test(`the formats of this version are recorded (node test/contracts/formats/record.ts)`, () => {
  assert.ok(versions.includes(VERSION), `formats/${VERSION}.json is missing`)
  assert.deepEqual(Object.keys(fixture(VERSION)), Object.keys(FORMATS))
})

test('a text that an earlier reader refuses is noticed', () => {
  const validate = accepting(fixture('0.1.0')['page marker']?.accepts ?? {})
  assert.equal(validate({ v: 2 }), false)
  assert.equal(validate({ v: 1, run: 'r', page: 1 }), false, 'fields that it requires')
})

for (const version of versions)
  describe(`version ${version}`, () => {
    for (const [name, { accepts, texts }] of Object.entries(fixture(version))) {
      test(`wrote the ${name} that today's reader reads, with the same meaning`, () => {
        assert.equal(texts.length, 2)
        for (const { text, means } of texts) assert.deepEqual({ ...(FORMATS[name]?.read(text) as object) }, means)
      })

      test(`reads the ${name} that is written today`, () => {
        const validate = accepting(accepts)
        for (const value of [FORMATS[name]?.full, FORMATS[name]?.minimal]) {
          const text = FORMATS[name]?.write(value as never) ?? ''
          assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors))
        }
      })
    }
  })
