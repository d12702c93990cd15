/** The chart's own files, as far as they can be checked without Helm: version, values, and the schema of the values. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { ROOT } from '../compose.ts'
import { CHART } from './helm.ts'
import { VALUES, valuesIn } from './manifests.ts'

type Schema = {
  $ref?: string
  properties?: Record<string, Schema>
  additionalProperties?: unknown
  $defs?: Record<string, Schema>
}
const version: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version
const text = readFileSync(join(CHART, 'values.yaml'), 'utf8')
const schema: Schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'))
/** Of a chart that has this one as a part. */
const NOT_OURS = ['global']

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const resolved = (part: Schema): Schema =>
  part.$ref === undefined ? part : (schema.$defs?.[part.$ref.replace('#/$defs/', '')] ?? {})

/** Places that only one of schema and values has. An empty object stands for values that have no default. */
function differences(part: Schema, values: unknown, place = ''): string[] {
  const { properties } = resolved(part)
  if (properties === undefined || !isObject(values) || Object.keys(values).length === 0) return []
  const names = new Set([...Object.keys(properties), ...Object.keys(values)])
  return [...names].flatMap((name) => {
    const [inner, at] = [properties[name], place === '' ? name : `${place}.${name}`]
    if (NOT_OURS.includes(at)) return []
    return inner === undefined || !(name in values) ? [at] : differences(inner, values[name], at)
  })
}

/** Objects that would take any further field. */
function openObjects(part: unknown, place = ''): string[] {
  if (!isObject(part)) return []
  const isOpen = 'properties' in part && part.additionalProperties !== false
  return [
    ...(isOpen ? [place] : []),
    ...Object.entries(part).flatMap(([name, inner]) => openObjects(inner, `${place}/${name}`)),
  ]
}

describe('the chart', () => {
  test('has the version of this package', () => {
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))
    assert.deepEqual([chart.version, chart.appVersion], [version, version])
  })

  test('has a schema that lists exactly the values that there are, and takes no other', () => {
    assert.deepEqual(differences(schema, { ...parse(text), another: 1 }), ['another'])
    const { image: _, ...without } = parse(text)
    assert.deepEqual(differences(schema, without), ['image'])
    assert.deepEqual(differences(schema, parse(text)), [])
    assert.deepEqual(openObjects(schema), [])
  })

  test('has defaults and examples that its schema accepts', () => {
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema)
    assert.equal(validate({ kafka: { brokers: 'kafka' } }), false)
    for (const file of ['', ...valuesIn()]) {
      const values = file === '' ? text : readFileSync(join(VALUES, file), 'utf8')
      assert.ok(validate(parse(values)), `${file}: ${JSON.stringify(validate.errors)}`)
    }
  })

  test('has a comment at each group of values', () => {
    const lines = text.split('\n')
    const uncommented = (all: readonly string[]) =>
      all.filter(
        (line, at) => /^[a-z]\w*:/.test(line) && !/^#/.test(all[at - 1] ?? '') && !/^ *#/.test(all[at + 1] ?? ''),
      )
    assert.deepEqual(uncommented(['', 'other: {}', '']), ['other: {}'])
    assert.deepEqual(uncommented(lines), [])
  })
})
