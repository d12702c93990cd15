/** `headrace check`: asks of a source, step by step, whether it would run, and says what to change where it would not. */
import { systemClock } from '../../shared/clock.ts'
import { environment, readOptions, resolverFor } from '../../shared/config.ts'
import type { Source, Stream } from '../../shared/declaration.ts'
import { DeclarationError, Stopped, WrongUse } from '../../shared/errors.ts'
import { loadSources } from '../../shared/sources.ts'
import { failed, type PlacedStep, placed } from '../fetcher/author/check/step.ts'
import { checkSource } from '../fetcher/author/check.ts'
import { textOf } from './preview/describe.ts'
import { interruption, logFor, print } from './process.ts'
import { counted } from './text.ts'

export type CheckCommandOptions = { sources: string[]; json?: boolean }

const TICKS = { ok: '✓', failed: '✗', skipped: '–' } as const
const STEP_CHARS = 12

export async function checkCommand(wanted: string, options: CheckCommandOptions): Promise<number> {
  const values = readOptions(environment)
  const dirs = [...(values.HEADRACE_SOURCES ?? '').split(',').filter((dir) => dir !== ''), ...options.sources]
  const json = options.json === true
  const tell = json ? () => undefined : screen()
  const sources = await declared(dirs)
  if (!Array.isArray(sources)) {
    tell(sources)
    if (json) print(JSON.stringify({ source: wanted, ok: false, steps: [sources], requests: [] }))
    return 1
  }
  const { source, streams } = chosen(sources, wanted)
  const log = logFor('check', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'the check was interrupted'))
  try {
    const tools = { clock: systemClock, log, resolver: resolverFor(environment), signal: interrupted.signal, onStep: tell }
    const { steps, requests } = await checkSource({ source, streams, ...tools })
    const wrong = steps.filter(({ status }) => status === 'failed').length
    if (json) print(JSON.stringify({ source: source.name, ok: wrong === 0, steps, requests }))
    else
      print(`\n${wrong === 0 ? 'nothing to change' : `${counted(wrong, 'step')} failed`}, ${counted(attempts(requests), 'request')} made`)
    return wrong === 0 ? 0 : 1
  } finally {
    interrupted.close()
  }
}

/** The sources, or the step that their loading failed in. */
async function declared(dirs: readonly string[]): Promise<Source[] | PlacedStep> {
  try {
    return await loadSources(dirs)
  } catch (error) {
    if (!(error instanceof DeclarationError)) throw error
    return placed(null, failed('declaration', error.message, error.hint))
  }
}

function chosen(sources: readonly Source[], wanted: string): { source: Source; streams: readonly Stream[] } {
  for (const source of sources) {
    if (source.name === wanted) return { source, streams: source.streams }
    const stream = source.streams.find(({ label }) => label === wanted)
    if (stream !== undefined) return { source, streams: [stream] }
  }
  throw new WrongUse('HR_UNKNOWN_SOURCE', `no source and no stream is called "${wanted}"`, {
    hint: `known sources: ${sources.map(({ name }) => name).join(', ')}; name a folder with --sources DIR`,
  })
}

/** Each step in its line, as soon as it is known, below the name of its stream. */
function screen(): (step: PlacedStep) => void {
  let at: string | null = null
  return ({ stream, step, status, says, advice, notes }) => {
    const head = stream !== at && stream !== null ? [stream] : []
    at = stream
    const lines = [
      ...head,
      `  ${TICKS[status]} ${step.padEnd(STEP_CHARS)}  ${textOf(says)}`,
      ...(advice === undefined ? [] : [`      change: ${textOf(advice)}`]),
      ...(notes ?? []).map((note) => `      note: ${textOf(note)}`),
    ]
    print(lines.join('\n'))
  }
}

const attempts = (requests: readonly { attempts: number }[]): number => requests.reduce((sum, each) => sum + each.attempts, 0)
