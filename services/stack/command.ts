/**
 * Runs a command to its end, below a guard: it ends when this process ends. Its output goes to a log file, whose last lines become
 * part of the error when it fails.
 */
import { readFile } from 'node:fs/promises'
import type { Environment } from '../../shared/config.ts'
import { Unavailable } from '../../shared/errors.ts'
import { startGuarded } from './guarded.ts'

export type Command = { command: string; args: string[]; cwd: string; logFile: string; env: Environment; what: string; hint: string }

const STOP_WITHIN_MS = 5_000
const LOG_LINES_SHOWN = 8
const LINE_CHARS_MAX = 300

/** Throws HR_STACK_COMMAND_FAILED, naming `what`, unless the command exits with 0. */
export async function runCommand({ command, args, cwd, logFile, env, what, hint }: Command): Promise<void> {
  const keepAlive = setInterval(() => {}, STOP_WITHIN_MS)
  try {
    const end = await startGuarded({ command, args, cwd, env: {}, stopWithinMs: STOP_WITHIN_MS }, logFile, env).ended
    if (end.kind === 'exited' && end.code === 0) return
    const why = end.kind === 'failed' ? end.message : `exit ${end.code ?? end.signal}`
    throw new Unavailable('HR_STACK_COMMAND_FAILED', `${what} failed (${why}); its output is in ${logFile}${await lastLines(logFile)}`, {
      hint,
    })
  } finally {
    clearInterval(keepAlive)
  }
}

/** The end of a log, indented, for an error message; empty when there is none. */
export async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines
    .slice(-LOG_LINES_SHOWN)
    .map((line) => `\n    ${line.slice(0, LINE_CHARS_MAX)}`)
    .join('')
}
