/**
 * `headrace preview`: the first pages of a stream as a table, with dead letters, drift and the requests made. Publishes
 * nothing.
 */

import { systemClock } from '#shared/clock.ts'
import { environment, readOptions, resolverFor } from '#shared/config/config.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { chooseStreams, readSources } from '#shared/declaration/load-sources.ts'
import { exitStatusOf, Stopped } from '#shared/errors.ts'
import { type Previewed, previewStream } from '../../fetcher/authoring/preview.ts'
import { refuseOtherFile, writeRecording } from '../../fetcher/authoring/recording/recording.ts'
import { rawText } from '../../fetcher/validate/deep-json.ts'
import { JSON_VERSION, outputWidth, print, say } from '../output.ts'
import { interruption, logFor } from '../service-process.ts'
import { sourceDirs } from '../source-dirs.ts'
import { counted } from '../table-output.ts'
import { describePreview, failureLines } from './describe.ts'

export type PreviewCommandOptions = {
  sources: string[]
  partition: string
  pages: string
  records: string
  record?: string
  json?: boolean
}

export async function previewCommand(label: string, options: PreviewCommandOptions): Promise<number> {
  const values = readOptions(environment)
  const dirs = sourceDirs(values, options.sources)
  const [stream] = chooseStreams(await readSources(dirs), [label]) as [Stream]
  if (options.record !== undefined) refuseOtherFile(options.record)
  const log = logFor('preview', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'preview interrupted'))
  try {
    const previewed = await previewStream({
      stream,
      partition: numberOf(options.partition),
      pages: numberOf(options.pages),
      records: numberOf(options.records),
      clock: systemClock,
      log,
      resolver: resolverFor(environment),
      signal: interrupted.signal,
    })
    const recorded = record(previewed, options.record)
    show(stream, previewed, options.json === true, recorded)
    return statusOf(previewed)
  } finally {
    interrupted.close()
  }
}

/** Also records a walk that failed: with it, the declaration can be fixed without calling the API again. */
function record({ recording }: Previewed, file: string | undefined): string | null {
  if (file === undefined || recording === null) return null
  writeRecording(file, recording)
  return `${counted(recording.exchanges.length, 'exchange')} recorded in ${file}`
}

function show(stream: Stream, { preview }: Previewed, json: boolean, recorded: string | null): void {
  if (json) print(rawText({ v: JSON_VERSION, ...preview }))
  else if (preview.requests.length > 0) print(describePreview(stream, preview, outputWidth()))
  if (recorded !== null) say(recorded)
  if (preview.error !== null && !json) say(failureLines(preview.error).join('\n'))
}

function statusOf({ preview: { counts }, error }: Previewed): number {
  if (error !== null) return exitStatusOf(error)
  return counts.deadLetters > 0 || counts.drift > 0 ? 3 : 0
}

/** Number('') is 0, which nobody means. */
const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))
