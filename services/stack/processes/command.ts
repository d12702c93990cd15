/**
 * Runs a command to its end, under a guard: it ends when this process ends. Its output goes to a log file, whose last
 * lines become part of the error if it fails.
 */
import { readFile } from 'node:fs/promises'
import { Unavailable } from '#shared/errors.ts'
import type { StackOptions } from '../options.ts'
import { describeEnd, startGuarded } from './guarded.ts'

export type Command = {
  command: string
  args: string[]
  cwd: string
  logFile: string
  /** What it does, for the error: "unpacking x.tar.gz". */
  what: string
  hint: string
}

const STOP_WITHIN_MS = 5_000
const LOG_LINES_SHOWN = 8
const LINE_CHARS_MAX = 300
/** Lines that report an error; a server that shuts down afterwards writes much more. */
const ERROR_LINES_SHOWN = 4
const ERROR_LINE = /\b(ERROR|FATAL)\b|Exception\b/

/**
 * Throws HR_STACK_COMMAND_FAILED, naming `what`, unless the command exits with 0; the signal's reason if that aborts.
 */
export async function runCommand(
  { command, args, cwd, logFile, what, hint }: Command,
  { env, signal }: Pick<StackOptions, 'env' | 'signal'>,
): Promise<void> {
  signal?.throwIfAborted()
  const guarded = startGuarded({ command, args, cwd, env: {}, stopWithinMs: STOP_WITHIN_MS }, logFile, env)
  const onAbort = () => void guarded.stop()
  signal?.addEventListener('abort', onAbort)
  try {
    const end = await guarded.ended
    signal?.throwIfAborted()
    if (end.kind === 'exited' && end.code === 0) return
    const message = `${what} failed: ${describeEnd(end)}; its output is in ${logFile}${await lastLines(logFile)}`
    throw new Unavailable('HR_STACK_COMMAND_FAILED', message, { hint })
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/** The last errors of a log and its end, indented, for an error message; empty if there is no log. */
export async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const end = lines.slice(-LOG_LINES_SHOWN)
  const errors = lines.slice(0, -LOG_LINES_SHOWN).filter((line) => ERROR_LINE.test(line))
  return [...errors.slice(-ERROR_LINES_SHOWN), ...end].map((line) => `\n    ${line.slice(0, LINE_CHARS_MAX)}`).join('')
}
