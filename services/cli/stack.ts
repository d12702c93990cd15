/** `headrace stack up | down | status`. */
import { systemClock } from '#shared/clock.ts'
import { environment, readOptions } from '#shared/config/config.ts'
import { Stopped } from '#shared/errors.ts'
import { runStackDown, runStackStatus, runStackUp } from '../stack/commands.ts'
import { interruption, logFor } from './service-process.ts'

const VERBS = { up: runStackUp, down: runStackDown, status: runStackStatus }

export async function stackCommand(
  verb: keyof typeof VERBS,
  options: { dir?: string; json?: boolean },
): Promise<number> {
  const values = readOptions(environment)
  const log = logFor('stack', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', `stack ${verb} interrupted`))
  try {
    return await VERBS[verb]({
      dir: options.dir ?? values.HEADRACE_DIR,
      log,
      clock: systemClock,
      env: environment,
      json: options.json === true,
      signal: interrupted.signal,
    })
  } finally {
    interrupted.close()
  }
}
