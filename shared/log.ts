/**
 * The log: pino, JSON lines on standard error, pretty on a terminal. Fields whose names say secret are censored here as a last
 * line of defence; the first is that secrets are held as functions and never put into an object that is logged.
 */
import pino from 'pino'
import { messageOf } from './errors.ts'

export type Log = pino.Logger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

const SECRET_NAMES = ['authorization', 'password', 'secret', 'token', 'access_token', 'refresh_token', 'client_secret', 'apiKey', 'api_key']

export type LogOptions = { level: LogLevel; pretty: boolean; name: string }

/** Standard error, so that a command's answer on standard output stays clean for `--json` and pipes. */
export function createLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    name: options.name,
    level: options.level,
    redact: { paths: SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]), censor: '[redacted]' },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  }
  if (!options.pretty) return pino(settings, pino.destination({ dest: 2, sync: true }))
  return pino({ ...settings, formatters: {} }, prettyStream())
}

function prettyStream(): pino.DestinationStream {
  return pino.transport({
    target: 'pino-pretty',
    options: { destination: 2, ignore: 'pid,hostname', translateTime: 'HH:MM:ss', singleLine: true },
  })
}

/**
 * Code and message only: causes can hold whole requests, and a stack trace says nothing about a user's mistake. An error without a code
 * is a defect of ours, and whoever reports it needs the place.
 */
function describeError(error: unknown): { code?: string; message: string; stack?: string } {
  const message = messageOf(error)
  if (!(error instanceof Error)) return { message }
  if ('code' in error && typeof error.code === 'string') return { code: error.code, message }
  return error.stack === undefined ? { message } : { message, stack: error.stack }
}

export const silentLog: Log = pino({ level: 'silent' })
