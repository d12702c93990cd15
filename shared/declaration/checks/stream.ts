/**
 * Checks across the parts of a stream: keys that the schema must have, and partitions that would send the same request.
 * Each check throws what `refuse` makes.
 */
import { z } from 'zod'
import { messageOf } from '../../errors.ts'
import { propertyKind } from '../../schema/json-schema.ts'
import type { Answers } from '../answers.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import { unwrapped } from '../place.ts'
import { isComputed } from '../request-functions.ts'
import type { StreamSpec } from '../source-spec.ts'

/** Every field has a JSON form, and what happens to unknown fields is declared in one place. */
export function checkSchema({ schema }: StreamSpec, refuse: Refuse): void {
  if (schema._zod.def.catchall !== undefined) {
    throw refuse(
      'schema',
      'must not decide about unknown fields',
      'use z.object, and unknownFields for keep, drop, reject or columns',
    )
  }
  for (const [field, type] of Object.entries(schema.shape)) {
    if (field.startsWith('_'))
      throw refuse(`schema.${field}`, 'names that start with _ are reserved for the loader', 'rename it in map')
    try {
      z.toJSONSchema(z.object({ [field]: type as z.ZodType }), { target: 'draft-7', io: 'output' })
    } catch (error) {
      throw refuse(
        `schema.${field}`,
        `has no JSON form: ${messageOf(error)}`,
        'use the field helpers (decimal, epochMs, epochSeconds, int64) or z.iso.datetime(), and convert values in map',
      )
    }
  }
}

export function checkPrimaryKey(schema: z.ZodObject, primaryKey: readonly string[], refuse: Refuse): void {
  for (const [index, key] of primaryKey.entries()) {
    const field = `primaryKey[${index}]`
    const kind = propertyKind(schema, key)
    if (kind === null) {
      throw refuse(
        field,
        `"${key}" is not a field of the schema`,
        `the schema has: ${Object.keys(schema.shape).join(', ')}`,
      )
    }
    if (primaryKey.indexOf(key) !== index) throw refuse(field, `"${key}" is named twice`, 'name it once')
    if (kind.optional) {
      throw refuse(
        field,
        `"${key}" may be missing or null`,
        'a primary key is required in every record: remove .optional() and .nullable()',
      )
    }
    if (!kind.scalar) {
      throw refuse(
        field,
        `"${key}" is neither a text nor a number nor a boolean`,
        'use a text, a number or a boolean; map can take one from an object',
      )
    }
  }
}

/** Records that a walk did not return are marked deleted only where the walk surely returned everything. */
export function checkDeletes(
  { deletes, watermark }: StreamSpec,
  { meanings }: Pick<Answers, 'meanings'>,
  refuse: Refuse,
): void {
  if (deletes === undefined) return
  if (watermark !== undefined) {
    throw refuse(
      'deletes',
      'a run from a watermark reads changes only, so it cannot show what is deleted',
      'remove watermark, so that each run reads everything; or declare deleted, if the API marks deleted records',
    )
  }
  const empty = [...meanings].find(([, meaning]) => meaning === 'empty')
  if (empty !== undefined) {
    throw refuse(
      'deletes',
      `a ${empty[0]} that counts as an empty page (answers.empty) would mark every row deleted`,
      'declare that status as skip, which marks nothing: answers: { skip: [404] }',
    )
  }
}

/** What may be declared about records before the schema sees them. */
export function checkRecords({ envelope = {}, map, schema, partitions }: StreamSpec, refuse: Refuse): void {
  for (const [name, given] of Object.entries(envelope)) {
    const { at: from, isOptional } = unwrapped<unknown>(given)
    const field = `envelope.${name}`
    if (map === undefined && !Object.hasOwn(schema.shape, name)) {
      throw refuse(field, `"${name}" is not a field of the schema`, `add ${name} to the schema, or use it in map`)
    }
    const value = typeof from === 'string' && from.startsWith('{') ? from.slice(1, -1) : null
    if (value === null) continue
    // Discovered values are checked when they are discovered.
    if (isOptional || (typeof partitions === 'object' && !Array.isArray(partitions))) continue
    const lacking = typeof partitions === 'number' ? 0 : partitions.findIndex((values) => !Object.hasOwn(values, value))
    if (lacking !== -1)
      throw refuse(field, `partition ${lacking} has no value for {${value}}`, `list it: partitions: [{ ${value}: … }]`)
  }
}

export function checkPartitions(spec: StreamSpec, refuse: Refuse): void {
  const { partitions, path } = spec
  const placeholders = [...(typeof path === 'string' ? path : '').matchAll(/\{([^{}]*)\}/g)].map(
    ([, name]) => name ?? '',
  )
  if (typeof partitions === 'number') {
    if (placeholders[0] !== undefined) {
      throw refuse('path', `{${placeholders[0]}} has no value`, `list the partitions: [{ ${placeholders[0]}: … }]`)
    }
    if (partitions > 1 && !isComputed(spec)) {
      throw refuse(
        'params',
        `${partitions} partitions would all send the same request`,
        'make params a function of { partition, partitions }, or list the values of each partition',
      )
    }
    return
  }
  if (!Array.isArray(partitions)) return
  const requests = partitions.map((values) =>
    JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
  for (const [index, request] of requests.entries()) {
    const twin = requests.indexOf(request)
    if (twin !== index)
      throw refuse(`partitions[${index}]`, `is the same as partitions[${twin}]`, 'remove one: records would come twice')
    const lacking = placeholders.find((name) => !Object.hasOwn(partitions[index] ?? {}, name))
    if (lacking !== undefined)
      throw refuse(`partitions[${index}]`, `has no value for {${lacking}} in the path`, `add ${lacking}: …`)
  }
}
