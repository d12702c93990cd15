/** `headrace replay`: resets the loader's offsets. */

import { openClickHouse } from '#shared/clickhouse.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { HeadraceError, WrongUse } from '#shared/errors.ts'
import { DEFAULT_PER_SECOND, type Estimate, estimateReplay } from '../../operator/replay/estimate.ts'
import { applyReplay, parseFrom, planReplay, type ReplayFrom, type ReplayPlan } from '../../operator/replay/replay.ts'
import { wholeNumber } from '../dead-letters.ts'
import { asJson, outputWidth, print } from '../output.ts'
import { counted, table } from '../table-output.ts'
import { withKafka } from '../with-kafka.ts'
import type { RebuildCommandOptions } from './rebuild.ts'

/** If more than this share is unknown to the ledger, the number is only an upper bound. */
const UNKNOWN_SHARE_MAX = 0.05

export type ReplayCommandOptions = RebuildCommandOptions & { intoNewTable?: boolean }

export async function replayCommand(stream: string, options: ReplayCommandOptions): Promise<number> {
  if (options.intoNewTable === true) return (await import('./rebuild.ts')).rebuildCommand(stream, options)
  if (options.onlyLog === true) throw new WrongUse('HR_REPLAY_ONLY_LOG', '--only-log needs --into-new-table')
  const from = placeOf(options)
  const partition = options.partition === undefined ? undefined : wholeNumber('--partition', options.partition)
  return withKafka(async (kafka, names) => {
    const plan = await planReplay(kafka, names, stream, from, partition)
    const dryRun = options.dryRun === true
    if (!dryRun) await applyReplay(kafka, names, plan)
    const estimate = dryRun ? await estimateOf(plan) : null
    print(
      options.json === true
        ? asJson({ dryRun, ...plan, ...(estimate === null ? {} : { estimate }) })
        : describe(plan, dryRun, estimate),
    )
    return 0
  })
}

function placeOf({ from, run }: ReplayCommandOptions): ReplayFrom {
  if (from !== undefined && run === undefined) return parseFrom(from)
  if (run !== undefined && from === undefined) return { kind: 'run', run }
  throw new WrongUse(
    'HR_REPLAY_FROM',
    from === undefined ? 'the start of the replay is missing' : '--from and --run cannot be combined',
    {
      hint: 'give --from (beginning, a time, or partition:offset) or --run',
    },
  )
}

/** Without ClickHouse only an upper bound is known. */
async function estimateOf(plan: ReplayPlan): Promise<Estimate> {
  const { clickhouse: config } = readConfig(environment, ['kafka'])
  const clickhouse = config.url === '' ? null : openClickHouse(config)
  try {
    return await estimateReplay(clickhouse, config.database, plan)
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error
    return await estimateReplay(null, config.database, plan)
  } finally {
    await clickhouse?.close()
  }
}

function describe({ stream, partitions }: ReplayPlan, dryRun: boolean, estimate: Estimate | null): string {
  const rows = partitions.map((each) => [
    each.partition,
    each.from ?? '–',
    each.to,
    `${each.log.low} to ${each.log.high}`,
    each.again,
  ])
  const words = dryRun
    ? `${stream} would be replayed (nothing was changed):`
    : `${stream} will be replayed when a loader starts: ${HEADRACE} load`
  const drawn = table(rows, ['p', 'offset now', 'offset then', 'log', 'offsets again'], outputWidth())
  return [words, drawn, ...(estimate === null ? [] : [inWords(estimate)])].join('\n')
}

function inWords({ records, atMost, perSecond, rate, seconds }: Estimate): string {
  const how = atMost <= records * UNKNOWN_SHARE_MAX ? 'about' : 'at most'
  const by =
    rate === 'measured'
      ? `${perSecond} a second, the fastest of the last 7 days`
      : `${DEFAULT_PER_SECOND} a second, assumed`
  return `${how} ${counted(records, 'record')}, ${durationOf(seconds)} at ${by}`
}

function durationOf(seconds: number): string {
  if (seconds < 120) return counted(seconds, 'second')
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? counted(minutes, 'minute') : counted(Math.ceil(minutes / 60), 'hour')
}
