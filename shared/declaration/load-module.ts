/**
 * Loads one file of declarations as a module. A failure is a DeclarationError that names file, line and column, also in
 * a helper that it imports. A module whose top-level await never ends is abandoned, so it delays no other.
 */
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../clock.ts'
import { DeclarationError, messageOf } from '../errors.ts'
import { placeOfError } from './locate-error.ts'

/**
 * Loading takes milliseconds. A declaration that calls a server while it loads is a mistake: it does so without quota
 * and retries.
 */
const LOAD_MS_MAX = 10_000

/** A path as messages show it: relative, if it is below the working directory. */
export const shownPath = (path: string): string => (relative('.', path).startsWith('..') ? path : relative('.', path))

/** The default export. Throws DeclarationError. */
export async function loadModule(path: string, waitMs = LOAD_MS_MAX): Promise<unknown> {
  const refuse = (reason: string, hint: string) =>
    new DeclarationError('HR_DECLARATION', `${shownPath(path)}: cannot be loaded: ${reason}`, { hint })
  const loaded = new AbortController()
  const late = systemClock.sleep(waitMs, loaded.signal).then(() => {
    throw refuse(
      `its top-level code has not finished after ${waitMs / 1000} s`,
      'remove the top-level await: a declaration is data and pure functions; discover() may call the API',
    )
  })
  const importing = import(pathToFileURL(path).href).catch((error: unknown) => {
    throw refuse(`${reasonOf(error)}${shownPlace(error, path)}`, hintFor(error))
  })
  try {
    return (await Promise.race([importing, late])).default
  } finally {
    loaded.abort()
    // The loser of the race is ignored.
    importing.catch(() => undefined)
    late.catch(() => undefined)
  }
}

/** The first line with content: the message of a syntax error starts with blank ones. */
const reasonOf = (error: unknown): string =>
  messageOf(error)
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '') ?? 'no reason given'

function shownPlace(error: unknown, entry: string): string {
  const place = placeOfError(error, entry)
  if (place === null) return ''
  const { path, line, column, text } = place
  return `, at ${shownPath(path)}:${line}${column === null ? '' : `:${column}`}${text === '' ? '' : `: ${text}`}`
}

function hintFor(error: unknown): string {
  if (/Cannot find package 'zod'/.test(messageOf(error))) return "import { z } from 'headrace', which includes zod"
  if (error instanceof Error && 'code' in error && error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'types are removed, not compiled: replace enum, namespace and parameter properties by plain JavaScript'
  }
  return 'fix the error above; `npx tsc --noEmit` shows type errors'
}
