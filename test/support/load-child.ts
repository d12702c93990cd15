/**
 * A loader as a process, with the shortest session that the broker allows, so that a test need not wait half a minute
 * for a dead one.
 */

import { systemClock } from '#shared/clock.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { load } from '../../services/loader/loader.ts'

const SESSION_TIMEOUT_MS = 6_000
const HEARTBEAT_MS = 500

const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
await load({
  config: readConfig(environment),
  clock: systemClock,
  log: createLog({ level: 'info', pretty: false, name: 'loader' }),
  metrics: createMetrics(),
  signal: stopping.signal,
  membership: { sessionTimeoutMs: SESSION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS },
})
