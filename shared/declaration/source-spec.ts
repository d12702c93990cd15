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
import type { SourceInput } from './typed-input.ts'

export type { ComputedHeaders, ComputedPairs, RequestContext } from './request-functions.ts'
export type { EnvelopeContext, StreamSpec } from './stream-spec.ts'
export type { WatermarkSpec } from './watermark-spec.ts'

const HOUR_MS = 60 * MINUTE_MS

const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text

export const sourceSpec = z.strictObject({
  /** Of the source: the first part of its topics, tables and labels, such as `'shop'`. */
  name,
  /** Where the API is: `'https://api.shop.example'`, or `setting('SHOP_URL', fallback)`. Paths of streams follow it. */
  baseUrl: textOrSetting,
  /** True: fetched only when a command names its streams; for examples and sources under trial. @default false */
  onDemand: z.boolean().default(false),
  /** Credentials: `bearer(secret('SHOP_TOKEN'))`, `oauth2ClientCredentials({ … })`, … Sent to `baseUrl` only. */
  auth: authSpec.optional(),
  /**
   * What the API allows, over all workers: `{ requests: 600, per: '1m' }`, or a list of several that apply together.
   * @default []
   */
  quota: quotasSpec,
  /** Most requests that are under way at once, over all workers. Without it, the partitions alone bound them. */
  concurrency: z.int().min(1).max(1000).optional(),
  /** What its responses mean, where it differs from HTTP; for all streams. */
  answers: answersSpec.optional(),
  /** Headers of every request: `{ 'X-Key': secret('SHOP_KEY') }`. Secrets are sent to `baseUrl` only. @default {} */
  headers: sourceHeaders.default({}),
  /**
   * Other origins that a next link may lead to: `['https://files.shop.example']`. Credentials never go there.
   * @default []
   */
  allowOrigins: z
    .array(z.string().refine(isOrigin, 'expected an origin: scheme, host and port, and nothing after them'))
    .default([]),
  /**
   * The proxy of every request: a URL, `setting('NAME', fallback)`, or `secret('NAME')` if it holds a login. Without
   * it, that of the environment; false: none.
   */
  proxy: proxySpec,
  /** An authority or a client certificate of its own. */
  tls: tlsSpec,
  /** True: HTTP/2 where the server offers it over TLS; otherwise HTTP/1.1. @default false */
  http2: z.boolean().default(false),
  /** Attempts of one page, the first included, before its run fails. @default 6 */
  attemptsMax: z.int().min(1).max(20).default(6),
  /** Longest single wait between attempts of a run; a longer one parks the partition until then. @default '5m' */
  waitMax: duration.default(5 * MINUTE_MS),
  /** Longest wait for a response, or between two parts of its body; at most `'1h'`. @default '30s' */
  timeout: positiveDuration.refine((ms) => ms <= HOUR_MS, 'expected at most 1h').default(30_000),
  /** Most bytes of one body, unpacked: 64 MiB. A page beyond it fails its run. @default 67_108_864 */
  bodyBytesMax: z
    .int()
    .min(1024)
    .default(64 * MIB),
  /**
   * Objects and arrays of one body; eight other values count as one. Bounds the memory of a page: some 60 bytes each,
   * and the records that are made of them. @default 3_000_000
   */
  bodyElementsMax: z.int().min(1000).default(3_000_000),
  /** The streams by name, each an endpoint with its own topic and table: `{ orders: { path: '/v1/orders', … } }`. */
  streams: z
    .record(name, streamSpec)
    .refine((streams) => Object.keys(streams).length > 0, 'a source has at least one stream'),
})

export type SourceSpec = z.infer<typeof sourceSpec>
/**
 * Marks a module's default export as a declaration; it is checked when its file is loaded, so that errors can name the
 * file.
 */
export type Declared = { declared: 'headrace'; input: unknown }

/** A source. The names of fields and the types of raw records follow from `schema` and `raw` of each stream. */
export function defineSource<Schemas extends Record<string, z.ZodObject>, Raws extends Record<string, unknown>>(
  input: SourceInput<Schemas, Raws>,
): Declared {
  return { declared: 'headrace', input }
}
