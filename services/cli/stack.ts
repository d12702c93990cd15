/** `headrace stack up | down | status`. */
import { systemClock } from '../../shared/clock.ts'
import { environment, readOptions } from '../../shared/config.ts'
import { runStackDown, runStackStatus, runStackUp } from '../stack/commands.ts'
import { logFor } from './process.ts'

const VERBS = { up: runStackUp, down: runStackDown, status: runStackStatus }

export async function stackCommand(verb: keyof typeof VERBS, options: { dir?: string; json?: boolean }): Promise<number> {
  const values = readOptions(environment)
  const log = logFor('stack', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  return VERBS[verb]({ dir: options.dir ?? values.HEADRACE_DIR, log, clock: systemClock, env: environment, json: options.json === true })
}
