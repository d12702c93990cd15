/**
 * Reads options from the environment and validates them. Any value may come from the file that NAME_FILE points to. No
 * message shows a value that may be a secret.
 */
import { readFileSync } from 'node:fs'
import { closest } from '../declaration/mistakes/spelling.ts'
import { WrongUse } from '../errors.ts'
import type { Environment } from './environment.ts'
import { describeOption, type OptionValues, options } from './options.ts'

export { type Environment, environment } from './environment.ts'

/** The options without any server's address, for commands that start the servers themselves. Throws WrongUse. */
export function readOptions(environment: Environment): OptionValues {
  refuseMisspelt(environment)
  const names = Object.keys(options.shape)
  const given = Object.fromEntries(names.map((name) => [name, optionValue(environment, name)]))
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0])
  throw new WrongUse('HR_OPTION', `${name}: ${issue?.message}`, { hint: describeOption(name) })
}

/**
 * Only Headrace has options with these prefixes. So a name that is nearly one of ours is a typo, and would be ignored.
 */
const OWN_PREFIX = /^(HEADRACE|FETCHER|LOADER)_/

function refuseMisspelt(environment: Environment): void {
  const known = Object.keys(options.shape).flatMap((name) => [name, `${name}_FILE`])
  for (const name of Object.keys(environment)) {
    if (!OWN_PREFIX.test(name) || known.includes(name)) continue
    const meant = closest(name, known)
    if (meant !== null) throw new WrongUse('HR_OPTION', `${name} is not an option`, { hint: `did you mean ${meant}?` })
  }
}

/** The value of NAME, or the content of the file that NAME_FILE names, trimmed. Undefined for an empty one. */
export function optionValue(environment: Environment, name: string): string | undefined {
  const direct = environment[name] || undefined
  const file = environment[`${name}_FILE`] || undefined
  if (file === undefined) return direct
  if (direct !== undefined) {
    throw new WrongUse('HR_OPTION_TWICE', `${name} and ${name}_FILE are both set`, { hint: 'keep one of them' })
  }
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch {
    throw new WrongUse('HR_OPTION_FILE', `${name}_FILE: cannot read ${file}`, {
      hint: 'check that the file exists and that this user may read it',
    })
  }
}
