/**
 * The client package's log lines in our log, one level lower. A permanent failure surfaces as an error anyway, and what
 * the package calls an error is mostly a retry. A failing connection is worth a warning, since it can last, but not at
 * every attempt.
 */
import type { logLevel as Level, LogEntry, logCreator } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { KAFKA_TLS_OPTIONS, tlsFaultOf } from '../../tls/explain.ts'
import { logLevel } from '../kafkajs-patches/load.ts'

const WARN_EVERY_MS = 10_000
const BROKERS_MAX = 1_000
/** The package's words for NOT_ENOUGH_REPLICAS; it asks again until the deadline of the port. */
const NOT_IN_SYNC = /fewer in-sync replicas/i

/** Its debug lines cost time at each request, so they are enabled at our trace level only. */
export function packageLevel(log: Log): Level {
  if (log.isLevelEnabled('trace')) return logLevel.DEBUG
  return log.isLevelEnabled('debug') ? logLevel.INFO : logLevel.ERROR
}

const WAITS = 'waiting for brokers: fewer copies are in sync than min.insync.replicas asks for'

export function packageLog(log: Log, clock: Clock): logCreator {
  const lastWarnedMs = new Map<string, number>()

  function warns({ namespace, level, log: { broker, message, error } }: LogEntry): boolean {
    if (namespace !== 'Connection' || level !== logLevel.ERROR) return false
    if (!message.startsWith('Connection') && !NOT_IN_SYNC.test(String(error))) return false
    const nowMs = clock.elapsedMs()
    const last = lastWarnedMs.get(String(broker))
    if (last !== undefined && nowMs - last < WARN_EVERY_MS) return false
    if (lastWarnedMs.size >= BROKERS_MAX) lastWarnedMs.clear()
    lastWarnedMs.set(String(broker), nowMs)
    return true
  }

  function faultLine(message: string): string | null {
    const fault = tlsFaultOf({ message }, KAFKA_TLS_OPTIONS)
    return fault === null ? null : `no connection to Kafka: ${fault.message}`
  }

  return () => (entry) => {
    const { message, timestamp: _, stack: __, logger: ___, ...fields } = entry.log
    const line = `Kafka client: ${message}`
    const isWaiting = NOT_IN_SYNC.test(String(fields.error))
    if (warns(entry)) log.warn({ broker: fields.broker }, isWaiting ? WAITS : (faultLine(message) ?? line))
    else if (entry.level === logLevel.DEBUG) log.trace({ part: entry.namespace, ...fields }, line)
    else log.debug({ part: entry.namespace, ...fields }, line)
  }
}
