/**
 * The schema registry (any with the Confluent API). Registers a stream's schema under BACKWARD compatibility, refuses what would break
 * records, readers or tables, and hands out registered schemas by id. The client validates with Ajv on encode and decode; records are
 * validated once by zod and framed by `wire.ts`, so here it only registers, looks up and caches.
 */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { differences, type SchemaDifference } from './differences.ts'
import { messageOf, Stopped, Unavailable } from './errors.ts'
import { withLearned } from './learned.ts'
import { annotationOf, DELETED_FIELD, type JsonSchema, withDeletesChange } from './schema.ts'

export type RegisteredSchema = {
  id: number
  json: JsonSchema
  /** Whether a parsed record is valid; the paths of what is wrong otherwise. */
  check(record: unknown): string[]
}

export type Registry = {
  /**
   * The id of the schema, registered now if it is new, with the columns that were learned before. Throws Stopped (HR_SCHEMA_REFUSED) with the differences when records that
   * exist would not fit it, Unavailable when the registry does not answer.
   */
  register(subject: string, schema: JsonSchema): Promise<{ id: number; changes: SchemaDifference[] }>
  /** Null when the registry has no schema of that id. */
  byId(id: number): Promise<RegisteredSchema | null>
  latest(subject: string): Promise<RegisteredSchema | null>
}

export type RegistryOptions = { url: string; user?: string | undefined; password?: string | undefined }

/** Bounds of one call: short, since a start waits for it and the loader's own retry is the longer one. */
const RETRY = { retries: 2, initialRetryTimeInSecs: 0.2, maxRetryTimeInSecs: 2 }

export function connectRegistry(options: RegistryOptions): Registry {
  const ajvInstance = new Ajv({ strict: false, allErrors: true, ownProperties: true })
  // Both packages are CommonJS: the plugin is the module's `default`.
  ;(addFormats as unknown as { default: typeof addFormats.default }).default(ajvInstance)
  const auth = options.user === undefined ? {} : { auth: { username: options.user, password: options.password ?? '' } }
  const client = new SchemaRegistry({ host: options.url.replace(/\/$/, ''), retry: RETRY, ...auth }, { [SchemaType.JSON]: { ajvInstance } })

  /** Runs one call; null for «not found», Unavailable with a hint for everything else. */
  async function ask<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call()
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw unavailable(options.url, error)
    }
  }

  async function byId(id: number): Promise<RegisteredSchema | null> {
    const schema = await ask(() => client.getSchema(id))
    if (schema === null) return null
    const validate = (schema as unknown as { validate?: ValidateFunction }).validate
    if (typeof validate?.schema !== 'object') return null
    return { id, json: validate.schema as JsonSchema, check: (record) => problems(validate, record) }
  }

  async function latest(subject: string): Promise<RegisteredSchema | null> {
    const id = await ask(() => client.getLatestSchemaId(subject))
    return id === null ? null : byId(id)
  }

  return {
    byId,
    latest,
    async register(subject, declared) {
      const before = await latest(subject)
      const schema = withDeletesChange(withLearned(declared, before?.json ?? null), before?.json ?? null)
      const changes = before === null ? [] : differences(before.json, schema)
      if (before !== null && changes.length === 0) return { id: before.id, changes }
      if (changes.some((change) => !change.additive)) throw refused(subject, changes, null)
      try {
        // The argument must always be passed: left out, the client compares the subject's setting with a default of its own.
        const { id } = await client.register(
          { type: SchemaType.JSON, schema: JSON.stringify(schema) },
          { subject, compatibility: COMPATIBILITY.BACKWARD },
        )
        return { id, changes }
      } catch (error) {
        if (statusOf(error) === 409 || messageOf(error).startsWith('Compatibility does not match')) throw refused(subject, changes, error)
        throw unavailable(options.url, error)
      }
    },
  }
}

function problems(validate: ValidateFunction, record: unknown): string[] {
  if (validate(record)) return []
  const lacksLittle = isTombstone(record) ? mayLack(validate.schema as JsonSchema) : () => false
  return (validate.errors ?? [])
    .filter((error) => !lacksLittle(error))
    .map((error) => `${error.instancePath || '/'}: ${error.message ?? error.keyword}`)
}

const isTombstone = (record: unknown): boolean =>
  typeof record === 'object' && record !== null && (record as Record<string, unknown>)[DELETED_FIELD] === 1

/** Of a deleted record nothing is needed but what orders and identifies it. */
function mayLack(schema: JsonSchema): (error: ErrorObject) => boolean {
  const annotation = annotationOf(schema)
  const needed = [...(annotation?.primaryKey ?? []), annotation?.watermark?.field]
  return ({ keyword, instancePath, params }) => keyword === 'required' && instancePath === '' && !needed.includes(params.missingProperty)
}

function refused(subject: string, changes: readonly SchemaDifference[], cause: unknown): Stopped {
  const shown = changes.map((change) => `\n    ${change.additive ? '+' : '!'} ${change.path}: ${change.change}`).join('')
  const words = cause === null ? '' : `; the registry says: ${messageOf(cause)}`
  return new Stopped('HR_SCHEMA_REFUSED', `${subject}: the declared schema does not fit the registered one${words}${shown}`, {
    hint: 'add fields as optional and keep the others as they are; for a break, declare a stream of another name beside this one',
  })
}

function unavailable(url: string, error: unknown): Unavailable {
  const at = new URL(url).host
  const status = statusOf(error)
  if (status === 401 || status === 403) {
    return new Unavailable('HR_REGISTRY_REFUSED', `the schema registry at ${at} refuses these credentials (${status})`, {
      hint: 'check SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD',
    })
  }
  return new Unavailable('HR_REGISTRY', `the schema registry at ${at} does not answer: ${ownWords(error)}`, {
    hint: 'check SCHEMA_REGISTRY_URL and that the registry runs; its Confluent API may have a path of its own, such as /apis/ccompat/v7',
    cause: error,
  })
}

/** The client opens its messages with its name, and gives a request that never arrived the status 400. */
function ownWords(error: unknown): string {
  return messageOf(error).replace(/^Confluent_Schema_Registry - (Error, status 400: (?=connect |getaddrinfo |socket |read ))?/, '')
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined
}
