/** The demo's final summary: the numbers of both runs, the fate of every record, and the answer to a real question. */

import { systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { watermarkText } from '#shared/watermark.ts'
import { statusOf } from '../../operator/status/status.ts'
import type { SampleApiCounts, SampleApiStats, ServedPage } from '../../sample-api/sample-api.ts'
import { counted, table } from '../table-output.ts'
import type { Warehouse } from './warehouse.ts'

export type Strongest = { magnitude: number; place: string; time: string }

export type DemoSummary = {
  /** Rows and dead letters together are what the API holds. */
  complete: boolean
  rows: number
  deadLetters: number
  reasons: Record<string, number>
  held: number
  pages: number
  requests: number
  retries: number
  tokenRefreshes: number
  watermarks: Record<string, string | null>
  secondRun: { askedFrom: string[]; requests: number; records: number }
  seconds: number
  strongest: Strongest[]
}

export type SummaryFacts = {
  kafka: Kafka
  names: Names
  warehouse: Warehouse
  stream: string
  topic: string
  stats: SampleApiStats
  counts: SampleApiCounts
  secondPart: { askedFrom: string[]; pages: readonly ServedPage[] }
  seconds: number
}

type Ledger = { pages: number; requests: number; retries: number }

export async function summarise(facts: SummaryFacts): Promise<DemoSummary> {
  const { warehouse, stats, counts, secondPart } = facts
  const [status] = await statusOf(facts.kafka, facts.names, [facts.stream], systemClock.nowMs())
  const partitions = status?.partitions ?? []
  const reasons: Record<string, number> = {}
  for (const { deadLetters } of partitions)
    for (const [reason, count] of Object.entries(deadLetters.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count
  const deadLetters = Object.values(reasons).reduce((sum, count) => sum + count, 0)
  const rows = (await warehouse.count()) ?? 0
  const ledger = `${warehouse.table.split('.')[0]}.headrace_pages`
  const [counted] = await warehouse.rows<Ledger>(
    'SELECT count() AS pages, sum(requests) AS requests, sum(retries) AS retries' +
      ` FROM ${ledger} FINAL WHERE topic = '${facts.topic}'`,
  )
  const strongest = await warehouse.rows<Strongest>(
    "SELECT magnitude, place, toString(toDateTime(time, 'UTC')) AS time" +
      ` FROM ${warehouse.table} FINAL ORDER BY magnitude DESC, time LIMIT 5`,
  )
  const newer = secondPart.pages.filter(({ records }) => records > 0)
  return {
    complete: rows + deadLetters === counts.total && deadLetters === counts.damaged,
    rows,
    deadLetters,
    reasons,
    held: counts.total,
    pages: counted?.pages ?? 0,
    requests: stats.requests,
    retries: counted?.retries ?? 0,
    tokenRefreshes: stats.tokens,
    watermarks: Object.fromEntries(
      partitions.map(({ partition, watermark }) => [`${facts.stream}/${partition}`, watermark]),
    ),
    secondRun: {
      askedFrom: [
        ...new Set(
          newer.map(({ since }) =>
            since === null ? 'the start' : watermarkText('epochMs', BigInt(since) * 1_000_000n),
          ),
        ),
      ],
      requests: newer.length,
      records: newer.reduce((sum, { records }) => sum + records, 0),
    },
    seconds: Math.round(facts.seconds * 10) / 10,
    strongest,
  }
}

export function describe(summary: DemoSummary, where: { stopped: boolean; dir: string }): string {
  const reasons = Object.entries(summary.reasons).map(([reason, count]) => `${count} ${reason}`)
  const numbers = table([
    ['rows under FINAL', summary.rows],
    ['dead letters', `${summary.deadLetters} (${reasons.join(', ')})`],
    ['together, of all records', `${summary.rows + summary.deadLetters} of ${summary.held}`],
    ['pages', summary.pages],
    ['requests, retries, tokens', `${summary.requests}, ${summary.retries}, ${summary.tokenRefreshes}`],
    ['second run started from', summary.secondRun.askedFrom.join('\n')],
    [
      'second run returned',
      `${counted(summary.secondRun.records, 'record')} on ${counted(summary.secondRun.requests, 'page')}`,
    ],
    ...Object.entries(summary.watermarks).map(([place, watermark]) => [`watermark ${place}`, watermark ?? 'none']),
    ['seconds', summary.seconds],
  ])
  const strongest = table(
    summary.strongest.map(({ magnitude, place, time }) => [magnitude, place, time]),
    ['magnitude', 'place', 'time (UTC)'],
  )
  return [
    numbers,
    '',
    'The strongest earthquakes of the week (SELECT … FINAL ORDER BY magnitude DESC LIMIT 5):',
    strongest,
    '',
    summary.complete
      ? 'Every record of the API is in the table or in the dead-letter topic.'
      : 'Some records of the API did NOT arrive: see the logs.',
    ...(where.stopped ? ['The local stack is stopped; its data stays.'] : nextSteps(where.dir)),
  ].join('\n')
}

function nextSteps(dir: string): string[] {
  return [
    `The local stack still runs (logs in ${dir}/logs). What to try next:`,
    `  ${HEADRACE} status`,
    `  ${HEADRACE} replay quakes.earthquakes --from beginning`,
    `  ${HEADRACE} load --until-caught-up`,
    `  ${HEADRACE} stack down`,
  ]
}
