/** `headrace replay --into-new-table`. */

import { systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { type Rebuilt, rebuild } from '../../loader/rebuild/rebuild.ts'
import { asJson, outputWidth, print } from '../output.ts'
import { interruption, logFor } from '../service-process.ts'
import { counted, table } from '../table-output.ts'

export type RebuildCommandOptions = {
  from?: string
  run?: string
  partition?: string
  dryRun?: boolean
  onlyLog?: boolean
  json?: boolean
}

export async function rebuildCommand(stream: string, options: RebuildCommandOptions): Promise<number> {
  const other = (['from', 'run', 'partition', 'dryRun'] as const).find((name) => options[name] !== undefined)
  if (other !== undefined) {
    throw new WrongUse('HR_REPLAY_NEW_TABLE', '--into-new-table loads the whole topic', {
      hint: `remove --${other.replace('dryRun', 'dry-run')}`,
    })
  }
  const config = readConfig(environment, ['kafka', 'registry', 'clickhouse'])
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'interrupted'))
  try {
    const rebuilt = await rebuild({
      ...{
        config,
        clock: systemClock,
        log: logFor('rebuild', config),
        metrics: createMetrics(),
        signal: interrupted.signal,
        stream,
      },
      onlyLog: options.onlyLog === true,
    })
    print(options.json === true ? asJson(rebuilt) : describe(rebuilt))
    return 0
  } finally {
    interrupted.close()
  }
}

function describe({ stream, table: name, old, partitions, kept }: Rebuilt): string {
  const rows = partitions.map(({ partition, from, to, rows, refused }) => [
    partition,
    `${from} to ${to}`,
    rows,
    refused,
  ])
  const fate = kept.copied ? 'copied from the old table' : 'not copied'
  const taken = partitions.filter(({ from }) => from > 0).map(({ partition }) => partition)
  return [
    `${stream} is loaded into a new ${name}`,
    table(rows, ['p', 'offsets', 'rows', 'refused'], outputWidth()),
    ...(taken.length > 0
      ? [`! retention has removed the beginning of partition ${taken.join(', ')} from the topic`]
      : []),
    ...(kept.rows > 0 ? [`! ${counted(kept.rows, 'row')} that the topic no longer has: ${fate}`] : []),
    ...partitions.flatMap(({ partition, withheld }) =>
      withheld === 0
        ? []
        : [
            `! partition ${partition}: deletes of ${counted(withheld, 'row')} are withheld; ` +
              `${HEADRACE} fetch ${stream} --allow-deletes releases them`,
          ],
    ),
    ...(old === null ? [] : [`the old table is now ${old}; when you no longer need it: DROP TABLE ${old}`]),
  ].join('\n')
}
