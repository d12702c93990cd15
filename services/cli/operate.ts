/** `headrace status`, and what the operator's commands share. */
import { systemClock } from '../../shared/clock.ts'
import { environment, readConfig } from '../../shared/config.ts'
import { connectKafka, type Kafka } from '../../shared/kafka.ts'
import { type Names, namesFor } from '../../shared/topics.ts'
import type { BackfillPart, BackfillStatus } from '../operator/backfills.ts'
import { releasePauses } from '../operator/release.ts'
import { type Need, needsOf, needText } from '../operator/status/needs.ts'
import { type PartitionStatus, type StreamStatus, statusOf } from '../operator/status.ts'
import { logFor, print } from './process.ts'
import { counted, table } from './text.ts'

/** `check`: 1 when something needs a person, one line each. */
export async function statusCommand(labels: readonly string[], options: { json?: boolean; check?: boolean }): Promise<number> {
  return withKafka(async (kafka, names) => {
    const nowMs = systemClock.nowMs()
    const streams = await statusOf(kafka, names, labels, nowMs)
    const needs = needsOf(streams, nowMs)
    if (options.json === true) print(JSON.stringify({ streams, needs }))
    else print(options.check === true ? describeCheck(streams, needs) : describeStatus(streams, needs))
    return options.check === true && needs.length > 0 ? 1 : 0
  })
}

/** `headrace release`: the API may be asked before the time that it named. */
export async function releaseCommand(name: string, options: { json?: boolean }): Promise<number> {
  return withKafka(async (kafka, names) => {
    const released = await releasePauses(kafka, names, name, systemClock.nowMs())
    if (options.json === true) print(JSON.stringify({ released }))
    else if (released.length === 0) print(`Nothing of ${name} is parked.`)
    else
      for (const { stream, partition, parkedUntil } of released)
        print(`${stream}/${partition}: released, was parked until ${parkedUntil}; a running fetcher asks again within some seconds`)
    return 0
  })
}

function describeCheck(streams: readonly StreamStatus[], needs: readonly Need[]): string {
  if (needs.length > 0) return needs.map(needText).join('\n')
  return `Nothing needs a person: ${counted(streams.length, 'stream')}.`
}

export async function withKafka(work: (kafka: Kafka, names: Names) => Promise<number>): Promise<number> {
  const config = readConfig(environment, ['kafka'])
  const kafka = await connectKafka(config.kafka, { log: logFor('operator', config), clock: systemClock })
  try {
    return await work(kafka, namesFor(config.prefix))
  } finally {
    await kafka.close()
  }
}

const HEAD = ['stream', 'p', 'checkpoint', 'confirmed watermark', 'lag', 'dead letters', 'last run', 'next run']

function describeStatus(streams: readonly StreamStatus[], needs: readonly Need[]): string {
  if (streams.length === 0) return 'No stream has been fetched yet. Next: npm run headrace -- fetch'
  const rows = streams.flatMap(({ stream, partitions }) =>
    partitions.map((each) => [
      stream,
      each.partition,
      checkpointText(each),
      each.watermark ?? '–',
      each.lag,
      lettersText(each),
      runText(each),
      nextText(each),
    ]),
  )
  return [table(rows, HEAD), ...backfillTable(streams), ...needs.map((need) => `! ${needText(need)}`), ...streams.flatMap(noticesOf)].join(
    '\n',
  )
}

function checkpointText({ checkpoint, shares }: PartitionStatus): string {
  if (checkpoint === null) return '–'
  const known = shares === undefined ? '' : `, ${counted(shares, 'share')}`
  return `${checkpoint.done ? 'done' : `page ${checkpoint.page}`}, ${checkpoint.watermark ?? 'no watermark'}${known}`
}

function lettersText({ deadLetters }: PartitionStatus): string {
  const reasons = Object.entries(deadLetters.reasons).map(([reason, count]) => `${count} ${reason}`)
  const done = deadLetters.done > 0 ? `\n${deadLetters.done} done` : ''
  return `${deadLetters.count}${deadLetters.more ? '+' : ''}${done}${reasons.length > 0 ? `\n${reasons.join('\n')}` : ''}`
}

function runText({ lastRun }: PartitionStatus): string {
  if (lastRun === null) return '–'
  return `${lastRun.startedAt.slice(0, 19)}Z\n${counted(lastRun.records, 'record')}, ${counted(lastRun.pages, 'page')}\n${counted(lastRun.requests, 'request')}, ${counted(lastRun.retries, 'retry', 'retries')}`
}

const nextText = ({ next, skipped }: PartitionStatus): string =>
  skipped === null ? next : `${next}\npage ${skipped.page} left out: ${skipped.status}`

const BACKFILL_HEAD = ['backfill of', 'range', 'p', 'state', 'so far', 'now']

function backfillTable(streams: readonly StreamStatus[]): string[] {
  const rows = streams.flatMap(({ stream, backfills }) =>
    backfills.flatMap((backfill) => {
      const range = backfill.range === null ? backfill.id : `${backfill.range.from}\nto ${backfill.range.to}`
      const { partitions } = backfill
      if (partitions.length === 0) return [[stream, range, '–', 'nothing published yet', '–', doerText(backfill)]]
      return partitions.map((part) => [stream, range, part.partition, partText(part), soFarText(part), doerText(backfill)])
    }),
  )
  return rows.length === 0 ? [] : [table(rows, BACKFILL_HEAD)]
}

function partText({ done, pages, reached, lost, skipped }: BackfillPart): string {
  const state = lost ? 'lost from the log: ask again' : done ? 'done' : `page ${pages}, ${reached ?? 'no watermark'}`
  return skipped === null ? state : `${state}\npage ${skipped.page} left out: ${skipped.status}`
}

function soFarText({ totals, pages }: BackfillPart): string {
  if (totals === null) return counted(pages, 'page')
  const letters = totals.deadLetters > 0 ? `\n${counted(totals.deadLetters, 'dead letter')}` : ''
  return `${counted(totals.records, 'record')}, ${counted(pages, 'page')}${letters}`
}

function doerText({ owner, waiting }: BackfillStatus): string {
  if (owner !== null) return 'running'
  return waiting.length > 0 ? 'waits for another' : '–'
}

function noticesOf({ stream, partitions }: StreamStatus): string[] {
  return partitions.flatMap((each) => [
    ...(each.lastRun !== null && each.lastRun.drift.length > 0
      ? [`  ${stream}/${each.partition}: the schema does not know ${each.lastRun.drift.join(', ')}`]
      : []),
  ])
}
