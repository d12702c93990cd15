/**
 * The log: pino, JSON lines on standard error, pretty on a terminal. Fields whose names suggest a secret are redacted
 * here as a last line of defence. The first one is that secrets are held as functions and never put into a logged
 * object. Every text of a line is escaped and cut here, names too, since people read both forms in terminals.
 */
import { hostname } from 'node:os'
import pino from 'pino'
import { prettyFactory } from 'pino-pretty'
import { HeadraceError, messageOf } from './errors.ts'
import { REDACTED } from './redact/mark.ts'
import { shownValue, withoutControls } from './shown.ts'
import { VERSION } from './version.ts'

export type Log = pino.Logger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

const SECRET_NAMES = [
  'authorization',
  'password',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'apiKey',
  'api_key',
]

/** `colours`: for the pretty format. `write`: receives each line instead of standard error. */
export type LogOptions = {
  level: LogLevel
  pretty: boolean
  name: string
  colours?: boolean
  write?: (line: string) => void
}

/** One text of a line; an error's message or a stack trace may be long. */
const TEXT_CHARS_MAX = 8_000
const SHOWN = { charsMax: TEXT_CHARS_MAX, multiline: new Set(['stack']) }
const PRETTY = { ignore: 'pid,hostname,version', translateTime: 'HH:MM:ss', singleLine: true } as const
/** Signs of what must not be displayed as it is: JSON's escapes, and characters that JSON does not escape. */
const NEEDS_A_LOOK = /\\[bfnrtu]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufdd0-\ufdef]/u

/** Standard error, so that a command's answer on standard output stays clean for `--json` and pipes. */
export function createLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    name: options.name,
    base: { pid: process.pid, hostname: hostname(), version: VERSION },
    level: options.level,
    redact: {
      paths: SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: REDACTED,
    },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    hooks: { logMethod: sayOnce },
  }
  const out = options.write === undefined ? standardError() : { write: options.write }
  if (!options.pretty) return pino(settings, { write: (line: string) => void out.write(shownLine(line)) })
  // Synchronous: a line is written before the process ends, however it ends.
  const prettified = prettyFactory({ ...PRETTY, colorize: options.colours === true })
  return pino(
    { ...settings, formatters: {} },
    { write: (line: string) => void out.write(prettified(shownLine(line)) ?? '') },
  )
}

/** The line with every name and text escaped and cut; it stays JSON. */
function shownLine(line: string): string {
  const text = line.trimEnd()
  if (text.length <= TEXT_CHARS_MAX && !NEEDS_A_LOOK.test(text)) return line
  return `${withoutControls(JSON.stringify(shownValue(JSON.parse(text), SHOWN)))}\n`
}

/** The reader of the log may have disappeared. The work continues, and its metrics still report it. */
function standardError(): pino.DestinationStream {
  return pino.destination({ dest: 2, sync: true }).on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** A message that ends with the error's own message would repeat it: the error has a field of its own. */
function sayOnce(this: pino.Logger, given: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [fields, message, ...rest] = given as unknown[]
  const error = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined
  const end = error === undefined ? '' : `: ${messageOf(error)}`
  const said =
    typeof message === 'string' && end !== '' && message.endsWith(end) ? message.slice(0, -end.length) : message
  Reflect.apply(method, this, [fields, said, ...rest])
}

export type LoggedError = { type: string; code?: string; message: string; hint?: string; stack?: string }

/**
 * An error's message and hint. Causes can hold whole requests, and a stack trace does not help with a user's mistake.
 * An error without a code is a bug of ours, and a report of it needs the stack; the message is not repeated in it.
 */
function describeError(error: unknown): LoggedError {
  const message = messageOf(error)
  if (!(error instanceof Error)) return { type: typeof error, message }
  const type = error.name
  if ('code' in error && typeof error.code === 'string') {
    const hint = error instanceof HeadraceError ? error.hint : undefined
    return { type, code: error.code, message, ...(hint === undefined ? {} : { hint }) }
  }
  const place = error.stack?.slice(Math.max(0, error.stack.search(/^ {4}at /m)))
  return place === undefined ? { type, message } : { type, message, stack: place }
}

export const silentLog: Log = pino({ level: 'silent' })
