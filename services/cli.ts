#!/usr/bin/env node
/**
 * The entry point: `headrace <command>`, declared in cli/program.ts. Exit statuses: `EXIT_STATUSES` there.
 */
import { CommanderError } from 'commander'
import { environment } from '#shared/config/config.ts'
import { exitStatusOf, WrongUse } from '#shared/errors.ts'

const { outliveReaders, say, sayError, untilWritten } = await import('./cli/output.ts')
const { endOnSignals } = await import('./cli/first-process.ts')
const { createProgram } = await import('./cli/program.ts')

/** The container image does not contain the local stack. */
function isAbsentStack(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    /\/services\/(stack|sample-api)\//.test(error.message)
  )
}

outliveReaders()
endOnSignals(process)
try {
  await createProgram().parseAsync()
  await untilWritten()
  process.exit()
} catch (error) {
  await untilWritten()
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  if (isAbsentStack(error)) {
    say('headrace: this installation does not contain the local stack')
    say('  hint: run stack, demo and sample-api where the npm package is installed, on your machine')
    process.exit(2)
  }
  sayError(error)
  // An error without a code is a defect: a bug report needs its stack trace.
  if (error instanceof Error && !('code' in error) && environment.HEADRACE_LOG_LEVEL === 'debug') say(error.stack ?? '')
  process.exit(error instanceof WrongUse ? 2 : exitStatusOf(error))
}
