/** `headrace fetch`: loads the declarations and runs the fetcher, once or as a service. */
import { systemClock } from '../../shared/clock.ts'
import { environment, readOptions, resolverFor } from '../../shared/config.ts'
import { WrongUse } from '../../shared/errors.ts'
import { chooseStreams, loadSources } from '../../shared/sources.ts'
import { fetchStreams } from '../fetcher/fetcher.ts'
import type { FetchSummary } from '../fetcher/summary.ts'
import { print, runService } from './process.ts'
import { counted } from './text.ts'

export type FetchCommandOptions = { sources: string[]; once?: boolean; full?: boolean; json?: boolean }

const PROGRESS_EVERY_MS = 2000

export async function fetchCommand(labels: readonly string[], options: FetchCommandOptions): Promise<number> {
  const dirs = [...(readOptions(environment).HEADRACE_SOURCES ?? '').split(',').filter((dir) => dir !== ''), ...options.sources]
  const sources = await loadSources(dirs)
  const streams = chooseStreams(sources, labels)
  if (streams.length === 0) {
    throw new WrongUse('HR_NO_STREAMS', 'no stream is named, and none is declared that is fetched without being named', {
      hint: `name a folder of declarations (--sources DIR), or a stream: ${sources.flatMap((source) => source.streams.map(({ label }) => label)).join(', ')}`,
    })
  }
  const once = options.once === true || options.full === true
  return runService('fetcher', ['kafka', 'registry'], async ({ config, log, metrics, signal, ready }) => {
    let shownMs = 0
    const summary = await fetchStreams({
      streams,
      config,
      resolver: resolverFor(environment),
      clock: systemClock,
      log,
      metrics,
      signal,
      once,
      full: options.full === true,
      onReady: ready,
      onProgress(now) {
        if (systemClock.elapsedMs() - shownMs < PROGRESS_EVERY_MS) return
        shownMs = systemClock.elapsedMs()
        log.info({ pages: now.pages, records: now.records, deadLetters: now.deadLetters, requests: now.requests }, 'progress')
      },
    })
    print(options.json === true ? JSON.stringify(summary) : describe(summary))
    // A service that was stopped has done what it should, whatever it met; its supervisor must not take that for a failure.
    return once ? statusOf(summary) : 0
  })
}

function statusOf(summary: FetchSummary): number {
  if (Object.values(summary.partitions).some(({ outcome }) => outcome === 'failed' || outcome === 'parked')) return 1
  return summary.deadLetters > 0 || summary.drift > 0 ? 3 : 0
}

function describe(summary: FetchSummary): string {
  const lines = Object.entries(summary.partitions).map(([id, partition]) => {
    const watermark = partition.watermark === null ? 'no watermark' : `watermark ${partition.watermark}`
    const error = partition.error === undefined ? '' : `\n    ${partition.error.replaceAll('\n', '\n    ')}`
    return `  ${id}  ${partition.outcome}  ${counted(partition.records, 'record')} on ${counted(partition.pages, 'page')}, ${watermark}${error}`
  })
  const { records, deadLetters, unchanged, pages, requests, retries, tokenRefreshes } = summary
  const head = `${counted(records, 'record')} and ${counted(deadLetters, 'dead letter')} published, ${unchanged} unchanged left out; ${counted(pages, 'page')}, ${counted(requests, 'request')}, ${counted(retries, 'retry', 'retries')}, ${counted(tokenRefreshes, 'token')}.`
  return [head, ...(lines.length > 0 ? lines : ['  every partition belongs to another fetcher'])].join('\n')
}
