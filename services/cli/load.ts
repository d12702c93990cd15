/** `headrace load`: runs the loader, as a service or until it has caught up. */

import { systemClock } from '#shared/clock.ts'
import { type LoadSummary, load } from '../loader/loader.ts'
import { keepYoungHeapSmall } from './limit-heap.ts'
import { asJson } from './output.ts'
import { print, runService } from './service-process.ts'
import { counted } from './table-output.ts'

export async function loadCommand(options: { untilCaughtUp?: boolean; json?: boolean }): Promise<number> {
  keepYoungHeapSmall()
  return runService('loader', ['kafka', 'registry', 'clickhouse'], async ({ config, log, metrics, signal, health }) => {
    const summary = await load({
      config,
      clock: systemClock,
      log,
      metrics,
      signal,
      untilCaughtUp: options.untilCaughtUp === true,
      onReady: health.ready,
      health,
    })
    print(options.json === true ? asJson(summary) : describe(summary))
    // As for the fetcher: a service that was stopped has not failed.
    return options.untilCaughtUp === true && summary.deadLetters > 0 ? 3 : 0
  })
}

function describe({ rows, deadLetters, batches, watermarks }: LoadSummary): string {
  const lines = Object.entries(watermarks).map(
    ([place, watermark]) => `  ${place}  ${watermark === null ? 'no watermark' : `watermark ${watermark}`}`,
  )
  const loaded = `${counted(rows, 'row')} loaded in ${counted(batches, 'batch', 'batches')}`
  return [`${loaded}, ${counted(deadLetters, 'dead letter')}.`, ...lines].join('\n')
}
