/**
 * The shape of a declaration, as its author writes it: one source with its streams, checked by zod. Defaults are in
 * this folder's schemas and nowhere else. `Source` and `Stream` are what the services use after the check.
 */
import { z } from 'zod'
import { MIB, MINUTE_MS } from '../units.ts'
import { answersSpec } from './answers.ts'
import { authSpec } from './auth.ts'
import { duration, positiveDuration } from './duration.ts'
import { sourceHeaders } from './headers.ts'
import { proxySpec, tlsSpec } from './network.ts'
import { quotasSpec } from './quota.ts'
import { textOrSetting } from './secret.ts'
import { name, streamSpec } from './stream-spec.ts'
import type { watermarkSpec } from './watermark-spec.ts'

export type { ComputedHeaders, ComputedPairs, RequestContext } from './request-functions.ts'
export type { EnvelopeContext, StreamSpec } from './stream-spec.ts'
export type { WatermarkSpec } from './watermark-spec.ts'

const HOUR_MS = 60 * MINUTE_MS

const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text

export const sourceSpec = z.strictObject({
  name,
  baseUrl: textOrSetting,
  /** True: fetched only when a command names its streams; for examples and sources under trial. */
  onDemand: z.boolean().default(false),
  auth: authSpec.optional(),
  /** One, or several that apply together. */
  quota: quotasSpec,
  /** Concurrent requests, over all workers. */
  concurrency: z.int().min(1).max(1000).optional(),
  /** What its responses mean, where it differs from HTTP; for all streams. */
  answers: answersSpec.optional(),
  headers: sourceHeaders.default({}),
  /** Other origins that a next link may lead to; credentials never go there. */
  allowOrigins: z
    .array(z.string().refine(isOrigin, 'expected an origin: scheme, host and port, and nothing after them'))
    .default([]),
  proxy: proxySpec,
  tls: tlsSpec,
  /** True: HTTP/2 where the server offers it over TLS; otherwise HTTP/1.1. */
  http2: z.boolean().default(false),
  /** Attempts of one page, the first included. */
  attemptsMax: z.int().min(1).max(20).default(6),
  /** Longest single wait between attempts within a run; a longer one parks the partition until then. */
  waitMax: duration.default(5 * MINUTE_MS),
  timeout: positiveDuration.refine((ms) => ms <= HOUR_MS, 'expected at most 1h').default(30_000),
  bodyBytesMax: z
    .int()
    .min(1024)
    .default(64 * MIB),
  /**
   * Objects and arrays of one body; eight other values count as one. Bounds the memory of a page: some 60 bytes each,
   * and the records that are made of them.
   */
  bodyElementsMax: z.int().min(1000).default(3_000_000),
  streams: z
    .record(name, streamSpec)
    .refine((streams) => Object.keys(streams).length > 0, 'a source has at least one stream'),
})

export type SourceSpec = z.infer<typeof sourceSpec>
type StreamInput<Schema extends z.ZodObject> = Omit<
  z.input<typeof streamSpec>,
  'schema' | 'primaryKey' | 'recordKey' | 'watermark'
> & {
  schema: Schema
  primaryKey: 'record' | (keyof z.output<Schema> & string)[]
  recordKey?: (keyof z.output<Schema> & string)[]
  watermark?: Omit<z.input<typeof watermarkSpec>, 'field'> & { field: keyof z.output<Schema> & string }
}

export type SourceInput<Schemas extends Record<string, z.ZodObject>> = Omit<z.input<typeof sourceSpec>, 'streams'> & {
  streams: { [Name in keyof Schemas]: StreamInput<Schemas[Name]> }
}

/**
 * Marks a module's default export as a declaration; it is checked when its file is loaded, so that errors can name the
 * file.
 */
export type Declared = { declared: 'headrace'; input: unknown }

export function defineSource<Schemas extends Record<string, z.ZodObject>>(input: SourceInput<Schemas>): Declared {
  return { declared: 'headrace', input }
}
