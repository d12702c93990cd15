/** `headrace fetch`: loads the declarations and runs the fetcher, once or as a service. */

import { systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readOptions, resolverFor } from '#shared/config/config.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { chooseStreams, readSources, type UnusableFile, unusableError } from '#shared/declaration/load-sources.ts'
import { explain, WrongUse } from '#shared/errors.ts'
import { shownText } from '#shared/shown.ts'
import { fetchStreams } from '../fetcher/fetcher.ts'
import type { FetchSummary } from '../fetcher/summary.ts'
import { keepOldHeapSmall, keepYoungHeapSmall } from './limit-heap.ts'
import { asJson } from './output.ts'
import { print, runService } from './service-process.ts'
import { sourceDirs } from './source-dirs.ts'
import { counted } from './table-output.ts'

export type FetchCommandOptions = {
  sources: string[]
  once?: boolean
  full?: boolean
  allowDeletes?: boolean
  json?: boolean
} & RangeOptions

type RangeOptions = { from?: string; to?: string; again?: boolean }
type Range = { from: string; to: string; again: boolean }

const PROGRESS_EVERY_MS = 2000

export async function fetchCommand(labels: readonly string[], options: FetchCommandOptions): Promise<number> {
  const range = rangeIn(labels, options)
  const dirs = sourceDirs(readOptions(environment), options.sources)
  const { sources, unusable: all } = await readSources(dirs)
  const streams = chooseStreams({ sources, unusable: all }, labels)
  // When streams are named, the files of other sources do not matter.
  const unusable = labels.length > 0 ? [] : all
  if (streams.length === 0 && unusable.length > 0) throw unusableError('no source can be used', unusable)
  if (streams.length === 0) {
    const known = sources.flatMap((source) => source.streams.map(({ label }) => label))
    throw new WrongUse('HR_NO_STREAMS', 'no stream is declared that runs without being named', {
      hint: `give a folder of declarations (--sources DIR), or a stream: ${known.join(', ')}`,
    })
  }
  const allowDeletes = options.allowDeletes === true
  if (allowDeletes) refuseWithoutDeletes(streams)
  const full = options.full === true || allowDeletes
  const once = options.once === true || full || range !== null
  // The records of a large file are garbage soon. Streams of pages keep the default.
  if (streams.some(({ decode }) => decode.chunks !== undefined)) {
    keepYoungHeapSmall()
    keepOldHeapSmall()
  }
  return runService('fetcher', ['kafka', 'registry'], async ({ config, log, metrics, signal, health }) => {
    let shownMs = 0
    metrics.unusableFiles.set(unusable.length)
    for (const { file, error } of unusable)
      log.error({ err: error, file }, `${file} cannot be used: its source is not fetched; other sources are`)
    const summary = await fetchStreams({
      streams,
      config,
      resolver: resolverFor(environment),
      clock: systemClock,
      log,
      metrics,
      signal,
      once,
      full,
      allowDeletes,
      ...(range === null ? {} : { range }),
      onReady: health.ready,
      health,
      onProgress(now) {
        if (systemClock.elapsedMs() - shownMs < PROGRESS_EVERY_MS) return
        shownMs = systemClock.elapsedMs()
        log.info(
          { pages: now.pages, records: now.records, deadLetters: now.deadLetters, requests: now.requests },
          'progress',
        )
      },
    })
    const shown = range === null ? summary : { range: { from: range.from, to: range.to }, ...summary }
    const files = unusable.map(({ file, error: { message, hint } }) => ({ file, message, hint }))
    print(
      options.json === true
        ? asJson(files.length === 0 ? shown : { ...shown, unusable: files })
        : describe(summary, unusable),
    )
    // A service that was stopped has succeeded, whatever it met; its supervisor must not take that for a failure.
    return once ? (unusable.length > 0 ? 1 : statusOf(summary)) : 0
  })
}

/** Throws WrongUse. */
function refuseWithoutDeletes(streams: readonly Stream[]): void {
  const other = streams.find(({ deletes }) => deletes === undefined)
  if (other === undefined) return
  throw new WrongUse(
    'HR_ALLOW_DELETES',
    `--allow-deletes: ${other.label} does not declare deletes, so its walks delete nothing`,
    {
      hint: `remove --allow-deletes, or declare deletes: 'full-walk' if the API lists all records`,
    },
  )
}

/** Throws WrongUse. */
function rangeIn(
  labels: readonly string[],
  { from, to, again, full, allowDeletes }: FetchCommandOptions,
): Range | null {
  const wrong = (what: string, hint: string) => new WrongUse('HR_RANGE', what, { hint })
  if (allowDeletes === true && labels.length === 0) {
    throw wrong(
      '--allow-deletes needs the names of streams',
      `write ${HEADRACE} fetch SOURCE.STREAM --allow-deletes; ${HEADRACE} status shows which streams withhold deletes`,
    )
  }
  if (allowDeletes === true && (from !== undefined || to !== undefined)) {
    throw wrong(
      '--allow-deletes cannot be combined with a range: a backfill deletes nothing',
      'remove --allow-deletes, or --from and --to',
    )
  }
  if (from === undefined && to === undefined) {
    if (again === true) throw wrong('--again needs a range', 'give --from and --to, or --full')
    return null
  }
  if (from === undefined || to === undefined) {
    throw wrong(
      `a range needs --from and --to: --${from === undefined ? 'from' : 'to'} is missing`,
      'add it; the end itself is not in the range',
    )
  }
  if (full === true) throw wrong('--full cannot be combined with a range', 'remove --full, or --from and --to')
  if (labels.length === 0)
    throw wrong('a range needs the names of streams', `write ${HEADRACE} fetch SOURCE.STREAM --from … --to …`)
  return { from, to, again: again === true }
}

function statusOf(summary: FetchSummary): number {
  const outcomes = Object.values(summary.partitions).map(({ outcome }) => outcome)
  if (outcomes.some((outcome) => outcome === 'failed' || outcome === 'parked')) return 1
  const attention = Object.values(summary.partitions).some((partition) => (partition.attention ?? []).length > 0)
  // Drift follows the declared policy. Fields that unknownFields keeps or drops are fine, and rejected ones are dead
  // letters.
  return summary.deadLetters > 0 || attention || outcomes.includes('skipped') ? 3 : 0
}

function describe(summary: FetchSummary, unusable: readonly UnusableFile[]): string {
  const lines = Object.entries(summary.partitions).map(([id, partition]) => {
    const watermark = partition.watermark === null ? 'no watermark' : `watermark ${partition.watermark}`
    const already = partition.already ? ', earlier (--again repeats it)' : ''
    const attention = (partition.attention ?? []).map(({ message }) => `\n    ! ${shownText(message)}`).join('')
    const error = partition.error === undefined ? '' : `\n    ${partition.error.replaceAll('\n', '\n    ')}`
    const read = `${counted(partition.records, 'record')} on ${counted(partition.pages, 'page')}`
    return `  ${id}  ${partition.outcome}${already}  ${read}, ${watermark}${attention}${error}`
  })
  const { records, deadLetters, unchanged, pages, requests, retries, tokenRefreshes } = summary
  const published = `${counted(records, 'record')} and ${counted(deadLetters, 'dead letter')} published`
  const sent = [
    counted(pages, 'page'),
    counted(requests, 'request'),
    counted(retries, 'retry', 'retries'),
    counted(tokenRefreshes, 'token'),
  ]
  const head = `${published}, ${unchanged} unchanged skipped; ${sent.join(', ')}.`
  const files = unusable.map(({ error }) => `  ! not fetched: ${explain(error).replaceAll('\n', '\n  ')}`)
  return [head, ...(lines.length > 0 ? lines : ['  other fetchers have all partitions']), ...files].join('\n')
}
