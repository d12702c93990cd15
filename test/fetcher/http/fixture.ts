/** A client against a test's server: declaration, secrets, clock and log in one place. */

import type { TestContext } from 'node:test'
import { pino } from 'pino'
import type { Pace } from '#shared/clock.ts'
import { type Environment, resolverFor } from '#shared/config/config.ts'
import { compileSource, type Source, type Stream } from '#shared/declaration/compile.ts'
import { cursor } from '#shared/declaration/paginate/paginate.ts'
import { z } from '#shared/index.ts'
import type { Log } from '#shared/log.ts'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'
import { type Client, createClient } from '../../../services/fetcher/http/client.ts'
import type { PageResponse } from '../../../services/fetcher/http/messages.ts'
import { holdsAll } from '../../../services/fetcher/http/rate-limit/held-partitions.ts'
import { firstRequest } from '../../../services/fetcher/pages/first-request.ts'
import { type FastClock, fastClock } from '../../support/clocks.ts'

export const SECRETS = { SHOP_KEY: 'k3y-of-the-shop/+&', SHOP_ID: 'client one', SHOP_SECRET: 's3cret:of+the shop' }

/** Long, since the clock of a test runs fast and its machine may be busy. */
const TIMEOUT = '10m'
export const TIMEOUT_MS = 600_000

export const STREAM = {
  path: '/orders',
  params: {},
  paginate: cursor({ next: '/next', param: 'cursor' }),
  records: '/data',
  schema: z.object({ id: z.string() }),
  primaryKey: ['id'],
}

export function declareSource(
  baseUrl: string,
  source: Record<string, unknown> = {},
  stream: Record<string, unknown> = {},
): Source {
  return compileSource(
    { name: 'shop', baseUrl, timeout: TIMEOUT, ...source, streams: { orders: { ...STREAM, ...stream } } },
    'shop.ts',
  )
}

export const streamOf = (source: Source): Stream => {
  const [stream] = source.streams
  if (stream === undefined) throw new RangeError('no stream')
  return stream
}

export type Fixture = {
  client: Client
  clock: FastClock
  metrics: Metrics
  source: Source
  stream: Stream
  /** Everything that was logged, as text. */
  logged: () => string
  /** Asks for the first page, or for a path of the server. */
  ask(options?: { path?: string; signal?: AbortSignal }): Promise<PageResponse>
}

export function clientFor(
  t: TestContext,
  baseUrl: string,
  options: {
    source?: Record<string, unknown>
    stream?: Record<string, unknown>
    clock?: FastClock
    environment?: Environment
    pace?: Pace
  } = {},
): Fixture {
  const clock = options.clock ?? fastClock()
  const lines: string[] = []
  const log: Log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const metrics = createMetrics()
  const source = declareSource(baseUrl, options.source, options.stream)
  const stream = streamOf(source)
  const holding = holdsAll(source, clock.elapsedMs())
  const client = createClient(source, {
    ...(options.pace === undefined ? {} : { pace: options.pace }),
    clock,
    log,
    metrics,
    resolver: resolverFor({ ...SECRETS, ...options.environment }),
    holding: () => holding,
  })
  t.after(() => client.close())
  return {
    client,
    clock,
    metrics,
    source,
    stream,
    logged: () => lines.join(''),
    ask: ({ path, signal = new AbortController().signal } = {}) => {
      const first = firstRequest(stream, client.baseUrl, 0, null)
      const request = path === undefined ? first : { ...first, url: new URL(path, client.baseUrl) }
      return client.send(request, { signal, stream: stream.label })
    },
  }
}

/** The error of a promise that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** An error as a person or a log could ever see it. */
export const shown = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    'hint' in error ? String(error.hint) : '',
    shown(error.cause ?? ''),
  ].join('\n')
}
