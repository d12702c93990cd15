/** The month for a person: what grew and what did not, and whether the promises held. */
import type { MonthReport, ServiceMonth } from '../month-part.ts'
import { rounded, whole } from '../numbers.ts'
import { GROWTH_PERCENT_MAX, type Growth } from './growth.ts'
import type { Promises } from './promises.ts'
import type { Sizes } from './sizes.ts'

const MB = 1e6
const KB = 1e3

export function monthLines(report: MonthReport): string[] {
  const { days, daySeconds, streams, requests, given, deploys, joins, badExits, drainSeconds, membersMax } = report
  const failed = Object.values(given).reduce((sum, count) => sum + count, 0) - (given.token ?? 0)
  const lives = `${deploys} deploys, ${joins} joins, ${report.lateMembers} late (at most ${membersMax.fetcher} fetchers, ${membersMax.loader} loaders)`
  return [
    '',
    `Month      ${days} days of ${daySeconds} s, ${streams} streams; ${whole(requests)} requests, ${whole(failed)} failed or slow`,
    `  processes                  ${lives}; ${badExits.length} ended with another status than 0 ${badExits.join(', ')}`,
    ...serviceLines('fetcher', report.fetcher),
    ...serviceLines('loader', report.loader),
    `  promises                   ${promiseText(report.promises)}`,
    ...Object.entries(report.promises.differenceKinds).map(([kind, example]) => `    ${kind}: ${example}`),
    `  loaded after the end       ${drainSeconds === null ? 'NOT within the bound' : `within ${drainSeconds} s`}`,
    `  growth                     ${sizesText(report.sizes)}`,
    ...Object.entries(report.errors).map(([message, count]) => `  logged ${count} times         ${message}`),
  ]
}

function serviceLines(name: string, { heap, external, handles, sockets, descriptors }: ServiceMonth): string[] {
  const mb = (growth: Growth | null) => growthText(growth, (value) => `${rounded(value / MB, 2)} MB`)
  const count = (growth: Growth | null) => growthText(growth, String)
  return [
    `  ${name.padEnd(26)} heap ${mb(heap)}; buffers ${mb(external)}`,
    `  ${''.padEnd(26)} handles ${count(handles)}; sockets ${count(sockets)}; descriptors ${count(descriptors)}`,
  ]
}

function growthText(growth: Growth | null, shown: (value: number) => string): string {
  if (growth === null) return 'not known'
  const { first, last, percent, within } = growth
  return `${shown(first)} → ${shown(last)}, ${percent} %${within ? '' : ` (aim: at most ${GROWTH_PERCENT_MAX})`}`
}

export function areKept({ lost, wrong, doubled, foreign, missing, ahead, differences }: Promises): boolean {
  return lost + wrong + doubled + foreign + missing + ahead + differences === 0
}

function promiseText(promises: Promises): string {
  const { rows, lost, wrong, doubled, foreign, bad, missing, letters, watermarkLooks, ahead, differences } = promises
  const table = `${whole(rows)} rows: ${lost} lost, ${wrong} not the newest, ${doubled} doubled, ${foreign} foreign`
  const dead = `${bad} bad records, ${missing} without a dead letter, ${letters} letters`
  const rest = `${ahead} ahead of the table in ${watermarkLooks} looks, ${differences} differences by verify`
  return `${areKept(promises) ? 'kept' : 'NOT KEPT'}; ${table}; ${dead}; ${rest}`
}

function sizesText(sizes: readonly Sizes[]): string {
  const [first, last] = [sizes[0], sizes.at(-1)]
  if (first === undefined || last === undefined) return 'not known'
  const days = Math.max(1, last.day - first.day)
  const aDay = (of: (each: Sizes) => number, unit = 1) => rounded((of(last) - of(first)) / days / unit, 1)
  return [
    `topics ${rounded(last.topicBytes / MB, 1)} MB (${aDay(({ topicBytes }) => topicBytes, KB)} KB a day)`,
    `Kafka's own ${rounded(last.kafkaOwnBytes / MB, 1)} MB (${aDay(({ kafkaOwnBytes }) => kafkaOwnBytes, KB)} KB a day)`,
    `ledger ${whole(last.ledgerRows)} rows (${aDay(({ ledgerRows }) => ledgerRows)} a day)`,
    `tables ${rounded(last.tableBytes / MB, 1)} MB in ${last.parts} parts (first ${first.parts})`,
    `${last.groups} groups (first ${first.groups})`,
  ].join(', ')
}
