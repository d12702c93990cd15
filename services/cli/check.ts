/** `headrace check`: checks step by step whether a source would run, and says what to change if it would not. */

import { systemClock } from '#shared/clock.ts'
import { environment, readOptions, resolverFor } from '#shared/config/config.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { filesInTheWay, readSources } from '#shared/declaration/load-sources.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { checkSource } from '../fetcher/authoring/check/check.ts'
import { failed, type PlacedStep, placed } from '../fetcher/authoring/check/step.ts'
import { asJson } from './output.ts'
import { textOf } from './preview/describe.ts'
import { interruption, logFor, print } from './service-process.ts'
import { sourceDirs } from './source-dirs.ts'
import { counted } from './table-output.ts'

export type CheckCommandOptions = { sources: string[]; json?: boolean }

const TICKS = { ok: '✓', failed: '✗', skipped: '–' } as const
const STEP_CHARS = 12

export async function checkCommand(wanted: string, options: CheckCommandOptions): Promise<number> {
  const values = readOptions(environment)
  const dirs = sourceDirs(values, options.sources)
  const json = options.json === true
  const report = json ? () => undefined : screen()
  const declared = await readSources(dirs)
  const unusable = filesInTheWay(declared, wanted.split('.')[0] ?? wanted)
  if (unusable.length > 0) {
    const errors = unusable.flatMap(({ error }) => (error.all.length > 0 ? error.all : [error]))
    const steps = errors.map((error) => placed(null, failed('declaration', error.message, error.hint)))
    for (const step of steps) report(step)
    if (json) print(asJson({ source: wanted, ok: false, steps, requests: [] }))
    return 1
  }
  const { source, streams } = chosen(declared.sources, wanted)
  const log = logFor('check', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'check interrupted'))
  try {
    const tools = {
      clock: systemClock,
      log,
      resolver: resolverFor(environment),
      signal: interrupted.signal,
      onStep: report,
    }
    const { steps, requests } = await checkSource({ source, streams, ...tools })
    const wrong = steps.filter(({ status }) => status === 'failed').length
    const warnings = steps.reduce((sum, step) => sum + (step.warnings?.length ?? 0), 0)
    if (json) print(asJson({ source: source.name, ok: wrong === 0, steps, requests }))
    else print(`\n${verdictOn(wrong, warnings)}, ${counted(attempts(requests), 'request')} made`)
    return wrong === 0 ? 0 : 1
  } finally {
    interrupted.close()
  }
}

function chosen(sources: readonly Source[], wanted: string): { source: Source; streams: readonly Stream[] } {
  for (const source of sources) {
    if (source.name === wanted) return { source, streams: source.streams }
    const stream = source.streams.find(({ label }) => label === wanted)
    if (stream !== undefined) return { source, streams: [stream] }
  }
  throw new WrongUse('HR_UNKNOWN_SOURCE', `unknown source or stream "${wanted}"`, {
    hint: `known sources: ${sources.map(({ name }) => name).join(', ')}; add a folder with --sources DIR`,
  })
}

/** Prints each step on its line as soon as it is known, below the name of its stream. */
function screen(): (step: PlacedStep) => void {
  let at: string | null = null
  return ({ stream, step, status, says, advice, notes, warnings }) => {
    const head = stream !== at && stream !== null ? [stream] : []
    at = stream
    const lines = [
      ...head,
      `  ${TICKS[status]} ${step.padEnd(STEP_CHARS)}  ${textOf(says)}`,
      ...(advice === undefined ? [] : [`      change: ${textOf(advice)}`]),
      ...(warnings ?? []).map((warning) => `      warning: ${textOf(warning)}`),
      ...(notes ?? []).map((note) => `      note: ${textOf(note)}`),
    ]
    print(lines.join('\n'))
  }
}

function verdictOn(wrong: number, warnings: number): string {
  if (wrong > 0) return `${counted(wrong, 'step')} failed`
  return warnings === 0 ? 'nothing to change' : `nothing failed, ${counted(warnings, 'warning')} to look at`
}

const attempts = (requests: readonly { attempts: number }[]): number =>
  requests.reduce((sum, each) => sum + each.attempts, 0)
