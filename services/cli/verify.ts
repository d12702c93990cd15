/** `headrace verify`: what differs between topic, ledger and table of a stream. */
import { openClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import { namesFor } from '#shared/names.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { shownText } from '#shared/shown.ts'
import type { Difference } from '../operator/verify/findings.ts'
import { type PartitionVerified, type Verified, verifyStream } from '../operator/verify/verify.ts'
import { wholeNumber } from './dead-letters.ts'
import { asJson, outputWidth, print } from './output.ts'
import { logFor } from './service-process.ts'
import { counted, table } from './table-output.ts'

export type VerifyCommandOptions = { partition?: string; run?: string; examples: string; json?: boolean }

const EXAMPLES_MAX = 1_000
const STATUS_DIFFERS = 1

export async function verifyCommand(stream: string, options: VerifyCommandOptions): Promise<number> {
  const partition = options.partition === undefined ? undefined : wholeNumber('--partition', options.partition)
  const examples = Math.min(wholeNumber('--examples', options.examples), EXAMPLES_MAX)
  const config = readConfig(environment, ['kafka', 'registry', 'clickhouse'])
  const kafka = await connectKafka(config.kafka, {
    log: logFor('verify', config),
    clock: systemClock,
    rights: leastRights('operator', config.prefix),
  })
  const clickhouse = openClickHouse(config.clickhouse)
  try {
    const tools = {
      ...{
        kafka,
        clickhouse,
        registry: connectRegistry(config.registry),
        names: namesFor(config.prefix),
        clock: systemClock,
      },
      database: config.clickhouse.database,
    }
    const verified = await verifyStream(tools, stream, { partition, run: options.run, examples })
    print(options.json === true ? asJson(verified) : describe(verified))
    return verified.differs ? STATUS_DIFFERS : 0
  } finally {
    await kafka.close()
    await clickhouse.close()
  }
}

const HEAD = [
  'p',
  'compared',
  'records',
  'shown',
  'refused',
  'pages',
  'dead letters',
  'watermark',
  'newest in the table',
]

function describe({ stream, table: name, partitions, differs, notes }: Verified): string {
  const rows = partitions.map((each) => [
    each.partition,
    each.committed === null ? 'nothing is committed' : `${each.log.low} to ${each.committed}`,
    each.records,
    each.shown,
    each.refused,
    each.pages,
    each.letters,
    each.watermark.committed ?? '–',
    each.watermark.table ?? '–',
  ])
  const marked = partitions.reduce((sum, each) => sum + each.marked.rows, 0)
  const deleted = marked === 0 ? '' : `; ${counted(marked, 'row')} deleted by complete walks`
  const verdict = differs ? `${stream} and ${name} differ:` : `${stream} and ${name} agree${deleted}`
  return [
    table(rows, HEAD, outputWidth()),
    ...partitions.flatMap(notesOf),
    ...notes,
    verdict,
    ...partitions.flatMap(differencesOf),
  ].join('\n')
}

function notesOf({ partition, before, lettersBehind, marked }: PartitionVerified): string[] {
  const { walks, count } = marked
  return [
    ...walks.map(
      ({ run, startedAt, rows, released }) =>
        `partition ${partition}: ${counted(rows, 'row')} deleted by walk ${run} of ${startedAt}` +
        `${released ? ', released by a person' : ''}`,
    ),
    ...(count > walks.length
      ? [`partition ${partition}: … and by ${counted(count - walks.length, 'earlier walk')}`]
      : []),
    ...(before.rows + before.pages === 0
      ? []
      : [
          `partition ${partition}: gone from the log: ${counted(before.rows, 'row')}, ${counted(before.pages, 'page')}`,
        ]),
    ...(lettersBehind === 0
      ? []
      : [`partition ${partition}: the ledger of dead letters is ${counted(lettersBehind, 'offset')} behind`]),
  ]
}

function differencesOf({ partition, differences }: PartitionVerified): string[] {
  return differences.flatMap(({ what, count, examples }: Difference) => [
    `! partition ${partition}: ${count}: ${shownText(what)}`,
    ...examples.map((example) => `    ${shownText(example)}`),
    ...(count > examples.length ? [`    … and ${count - examples.length} more`] : []),
  ])
}
