/**
 * The schema registry (any with the Confluent API). It registers a stream's schema under BACKWARD compatibility,
 * refuses what would break records, readers or tables, and returns registered schemas by id. The client package
 * validates with Ajv on encode and decode. Records are validated once by zod and framed by `messages/frame.ts`, so here
 * it only registers, looks up and caches.
 */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { messageOf, Stopped } from '../errors.ts'
import { requestOnce } from '../request-once.ts'
import { cutText, shownText } from '../shown.ts'
import type { Pems } from '../tls/pems.ts'
import { type SchemaDifference, schemaDifferences } from './compatibility.ts'
import { annotationOf, DELETED_FIELD, type JsonSchema, withDeletesChange } from './json-schema.ts'
import { withLearned } from './learned-columns.ts'
import { foreignIn } from './registry-answer.ts'
import { registryAgent } from './registry-connection.ts'
import { ForeignAnswer, refused, statusOf, unavailable } from './registry-errors.ts'

export type RegisteredSchema = {
  id: number
  json: JsonSchema
  /** Whether a parsed record is valid; the paths of what is wrong otherwise. */
  check(record: unknown): string[]
}

export type Registry = {
  /**
   * The id of the schema, registered now if it is new, with the columns that were learned before. Throws Stopped
   * (HR_SCHEMA_REFUSED) with the differences when existing records would not fit it. Throws Unavailable when the
   * registry does not answer.
   */
  register(subject: string, schema: JsonSchema): Promise<{ id: number; changes: SchemaDifference[] }>
  /** Null when the registry has no schema of that id. */
  byId(id: number): Promise<RegisteredSchema | null>
  latest(subject: string): Promise<RegisteredSchema | null>
}

export type RegistryOptions = {
  url: string
  user?: string | undefined
  password?: string | undefined
  tls?: Pems | undefined
}

/** Limits of one call: short, since a start waits for it and the loader's own retry takes longer. */
const RETRY = { retries: 2, initialRetryTimeInSecs: 0.2, maxRetryTimeInSecs: 2 }
/** Of a schema whose subject other workers create at the same time. */
const NEW_SUBJECT_ATTEMPTS_MAX = 5

export function connectRegistry(options: RegistryOptions): Registry {
  const ajvInstance = new Ajv({ strict: false, allErrors: true, ownProperties: true })
  // Both packages are CommonJS: the plugin is the module's `default`.
  ;(addFormats as unknown as { default: typeof addFormats.default }).default(ajvInstance)
  const auth = options.user === undefined ? {} : { auth: { username: options.user, password: options.password ?? '' } }
  const agent = registryAgent(options.tls)
  const connection = agent === undefined ? auth : { ...auth, agent }
  const client = new SchemaRegistry(
    { host: options.url.replace(/\/+$/, ''), retry: RETRY, middlewares: [refusingForeign], ...connection },
    { [SchemaType.JSON]: { ajvInstance } },
  )

  /** Runs one call; null for "not found", Unavailable with a hint for everything else. */
  async function ask<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof Stopped) throw error
      const status = statusOf(error)
      if (status !== undefined && status >= 400 && status < 500) await refuseForeign(error)
      if (status === 404) return null
      throw unavailable(options.url, error)
    }
  }

  /**
   * The package compiles the schemas that it receives. An error without a response is about the schema, and waiting for
   * the registry would never end.
   */
  async function compiled(id: number): Promise<unknown> {
    try {
      return await client.getSchema(id)
    } catch (error) {
      if (statusOf(error) !== undefined || error instanceof ForeignAnswer) throw error
      throw new Stopped(
        'HR_SCHEMA_UNREADABLE',
        `schema ${id} of the registry cannot be used: ${shownText(cutText(messageOf(error), REASON_CHARS_MAX))}`,
        {
          hint: 'no fetcher of Headrace registered it: delete this version of the subject in the registry',
        },
      )
    }
  }

  /**
   * The package does not keep the body of a refusal. So the request is repeated once, and only a registry's own error
   * counts.
   */
  async function refuseForeign(error: unknown): Promise<void> {
    const [, text] = /^GET (https?:.*)$/i.exec(String((error as { url?: unknown }).url)) ?? []
    if (text === undefined) return
    const url = new URL(text)
    const [user, password] = [
      options.user ?? decodeURIComponent(url.username),
      options.password ?? decodeURIComponent(url.password),
    ]
    url.username = ''
    url.password = ''
    const login: Record<string, string> =
      user === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
    const accept = 'application/vnd.schemaregistry.v1+json, application/json'
    const again = await requestOnce(url, { headers: { accept, ...login }, agent, timeoutMs: PROOF_MS_MAX })
      .then(({ status, text }) => ({ status, path: url.pathname, data: jsonOr(text) }))
      .catch(() => null)
    // The schema was added or removed in between, or the request never arrived, which the package reports as a status
    // too.
    if (again?.status !== statusOf(error)) throw unavailable(options.url, error)
    const foreign = again === null ? null : foreignIn(again)
    if (foreign !== null) throw unavailable(options.url, new ForeignAnswer(foreign))
  }

  async function byId(id: number): Promise<RegisteredSchema | null> {
    const schema = await ask(() => compiled(id))
    if (schema === null) return null
    const validate = (schema as unknown as { validate?: ValidateFunction }).validate
    if (typeof validate?.schema !== 'object') return null
    return { id, json: validate.schema as JsonSchema, check: (record) => problems(validate, record) }
  }

  async function latest(subject: string): Promise<RegisteredSchema | null> {
    const id = await ask(() => client.getLatestSchemaId(subject))
    return id === null ? null : byId(id)
  }

  const register: Registry['register'] = async (subject, declared) => {
    for (let attempt = 1; ; attempt++) {
      const before = await latest(subject)
      const schema = withDeletesChange(withLearned(declared, before?.json ?? null), before?.json ?? null)
      const changes = before === null ? [] : schemaDifferences(before.json, schema)
      if (before !== null && changes.length === 0) return { id: before.id, changes }
      if (changes.some((change) => !change.additive)) throw refused(subject, changes, null)
      try {
        // The argument must always be passed: without it, the client compares the subject's setting with its own
        // default.
        const { id } = await client.register(
          { type: SchemaType.JSON, schema: JSON.stringify(schema) },
          { subject, compatibility: COMPATIBILITY.BACKWARD },
        )
        return { id, changes }
      } catch (error) {
        const conflicts = statusOf(error) === 409 || messageOf(error).startsWith('Compatibility does not match')
        // No schema was there that this one could break: another worker registers the same new subject. Meanwhile
        // Apicurio does not find it, has no compatibility for it, or refuses a second request to set one.
        const passes = conflicts || statusOf(error) === 404
        if (passes && before === null && attempt < NEW_SUBJECT_ATTEMPTS_MAX) continue
        throw conflicts ? refused(subject, changes, error) : unavailable(options.url, error)
      }
    }
  }

  return { byId, latest, register }
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

/** A deleted record needs only what orders and identifies it. */
function mayLack(schema: JsonSchema): (error: ErrorObject) => boolean {
  const annotation = annotationOf(schema)
  const needed = [...(annotation?.primaryKey ?? []), annotation?.watermark?.field]
  return ({ keyword, instancePath, params }) =>
    keyword === 'required' && instancePath === '' && !needed.includes(params.missingProperty)
}

/** For the one request that checks whether a refusal is a registry's. */
const PROOF_MS_MAX = 5_000
/** A validator can repeat a whole schema in its message. */
const REASON_CHARS_MAX = 300

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** What the client package passes to a middleware: responses below 300 that are not errors to it. */
type Taken = { status(): number; data(): unknown; request(): { path(): string } }

/** Checks every response before the client package reads it. */
const refusingForeign = () => ({
  async response<T extends Taken>(next: () => Promise<T>): Promise<T> {
    const answer = await next()
    const foreign = foreignIn({ status: answer.status(), path: answer.request().path(), data: answer.data() })
    if (foreign !== null) throw new ForeignAnswer(foreign)
    return answer
  },
})
