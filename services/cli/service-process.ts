/**
 * A service as a process: its log, its metrics, its health server, and the graceful stop. SIGTERM or SIGINT aborts the
 * signal, and the work shuts down in order. A second signal, or the deadline, ends the process at once.
 */
import closeWithGrace from 'close-with-grace'
import {
  type Config,
  environment,
  loggingOf,
  type NearMiss,
  readConfig,
  type ServerKind,
} from '#shared/config/config.ts'
import { messageOf } from '#shared/errors.ts'
import { createHealth, type Health } from '#shared/health.ts'
import { serveHealth } from '#shared/health-server.ts'
import { createLog, type Log } from '#shared/log.ts'
import { createMetrics, type Metrics } from '#shared/metrics/metrics.ts'

export type Service = {
  config: Config
  log: Log
  metrics: Metrics
  signal: AbortSignal
  /** What /readyz shows. */
  health: Health
}

/** Runs `work` until it ends or a signal stops it; returns its exit status. */
export async function runService(
  name: string,
  needs: readonly ServerKind[],
  work: (service: Service) => Promise<number>,
): Promise<number> {
  const config = readConfig(environment, needs)
  const log = logFor(name, config)
  const metrics = createMetrics()
  const stopping = new AbortController()
  const health = createHealth()
  const end = Promise.withResolvers<number>()
  // Installed before the first output, so that a stop during startup counts too.
  const grace = closeWithGrace(
    { delay: config.stopDeadlineMs, logger: graceLog(log), skip: ['beforeExit'] },
    async ({ signal, err }) => {
      if (err !== undefined) {
        log.fatal({ err }, 'defect')
        return
      }
      log.info({ signal }, 'stopping')
      health.stop('stopping')
      stopping.abort()
      const status = await end.promise
      log.info('stopped')
      // close-with-grace would exit with 0 whatever the work returns.
      if (status !== 0) process.exit(status)
    },
  )
  const working = serving(config, { metrics, log, readiness: health.readiness }, () =>
    work({ config, log, metrics, signal: stopping.signal, health }),
  )
  working.then(end.resolve, end.reject)
  // The caller gets the error; the stop uses the promise only if there is one.
  end.promise.catch(() => undefined)
  try {
    return await working
  } finally {
    if (!stopping.signal.aborted) grace.uninstall()
  }
}

async function serving(
  { http }: Config,
  { log, ...shown }: Pick<Parameters<typeof serveHealth>[0], 'metrics' | 'readiness'> & { log: Log },
  work: () => Promise<number>,
): Promise<number> {
  const health = await serveHealth({ ...http, ...shown })
  log.info({ url: health.url }, 'health and metrics')
  try {
    return await work()
  } finally {
    await health.close()
  }
}

export function logFor(name: string, config: Pick<Config, 'log'>): Log {
  const pretty = config.log.format === 'pretty' || (config.log.format === 'auto' && process.stderr.isTTY === true)
  return createLog({ name, level: config.log.level, pretty, colours: hasColours(process.stderr, environment) })
}

function graceLog(log: Log) {
  return { error: (message?: unknown) => log.error(typeof message === 'string' ? message : messageOf(message)) }
}

import { hasColours } from './output.ts'

/** A misspelt variable is not read and changes nothing. If an option is invalid, the command itself reports it. */
export function warnOf(misses: readonly NearMiss[]): void {
  const log = logFor('headrace', { log: loggingOf(environment) })
  for (const { name, meant } of misses)
    log.warn({ variable: name, meant }, `${name} is not an option and is not read: did you mean ${meant}?`)
}

export { print } from './output.ts'

export type Interruption = { signal: AbortSignal; close(): void }

/**
 * Ctrl-C or SIGTERM of a command that has to clean up. The first aborts `signal` with `reason`, the second ends the
 * process.
 */
export function interruption(reason: Error): Interruption {
  const interrupted = new AbortController()
  const onSignal = () => {
    if (interrupted.signal.aborted) process.exit(1)
    interrupted.abort(reason)
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  return {
    signal: interrupted.signal,
    close() {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal)
    },
  }
}
