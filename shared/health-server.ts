/**
 * The endpoints for a supervisor: /livez (the process responds), /readyz (it does its work, else 503 with the reason)
 * and /metrics (Prometheus). Listens on loopback by default.
 */
import Fastify from 'fastify'
import { limitConnections } from './connection-limit.ts'
import { messageOf, Unavailable } from './errors.ts'
import type { Readiness } from './health.ts'
import type { Metrics } from './metrics/metrics.ts'
import { withoutControls } from './shown.ts'

export type HealthServer = { url: string; close(): Promise<void> }

/** Only a probe and a scrape or two are expected. A connection that sends nothing is closed after `headersMs`. */
export const HEALTH_BOUNDS = {
  connectionsMax: 64,
  headersMs: 5_000,
  requestMs: 10_000,
  idleMs: 10_000,
  checkMs: 1_000,
} as const
export type HealthBounds = { [Name in keyof typeof HEALTH_BOUNDS]: number }

export async function serveHealth(options: {
  host: string
  port: number
  metrics: Metrics
  readiness(): Readiness
  bounds?: HealthBounds
}): Promise<HealthServer> {
  const { connectionsMax, headersMs, requestMs, idleMs, checkMs } = options.bounds ?? HEALTH_BOUNDS
  const server = Fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: requestMs,
    connectionTimeout: idleMs,
    keepAliveTimeout: idleMs,
    http: { headersTimeout: headersMs, connectionsCheckingInterval: checkMs },
  })
  limitConnections(server.server, connectionsMax)
  // Reasons contain texts from servers, and people read them with curl.
  server.setReplySerializer((payload) => withoutControls(JSON.stringify(payload)))
  server.get('/livez', async () => ({ status: 'ok' }))
  server.get('/readyz', async (_request, reply) => {
    const state = options.readiness()
    return reply.code(state.ready ? 200 : 503).send(state)
  })
  server.get('/metrics', async (_request, reply) => {
    const { registry } = options.metrics
    return reply.type(registry.contentType).send(await registry.metrics())
  })
  try {
    const url = await server.listen({ host: options.host, port: options.port })
    return { url, close: () => server.close() }
  } catch (error) {
    throw new Unavailable('HR_HTTP_PORT', `cannot listen on ${options.host}:${options.port}: ${messageOf(error)}`, {
      hint: 'set HEADRACE_HTTP_PORT to a free port, or to 0 for any',
    })
  }
}
