/** What may grow over the month by its nature: logs, ledger, tables, groups. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { namesFor } from '#shared/names.ts'
import type { Place } from '../../test/support/published.ts'
import type { Bench } from '../place.ts'

export type Sizes = {
  day: number
  /** Segments of records, without indexes, of the month's topics and of Kafka's own (offsets, transactions). */
  topicBytes: number
  kafkaOwnBytes: number
  ledgerRows: number
  tableBytes: number
  parts: number
  groups: number
}

export async function sizesOf({ clickhouse, stack }: Bench, { kafka, prefix }: Place, day: number): Promise<Sizes> {
  const [parts] = await clickhouse.rows<{ bytes: number; parts: number }>(
    `SELECT sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts WHERE active AND database = '${prefix}'`,
  )
  const [ledger] = await clickhouse.rows<{ n: number }>(
    `SELECT sum(total_rows) AS n FROM system.tables WHERE database = '${prefix}' AND name = 'headrace_pages'`,
  )
  const logs = join(stack.dir, 'data', 'kafka')
  return {
    day,
    topicBytes: logBytes(logs, (topic) => topic.startsWith(`${prefix}.`)),
    kafkaOwnBytes: logBytes(logs, (topic) => topic.startsWith('__')),
    ledgerRows: Number(ledger?.n ?? 0),
    tableBytes: Number(parts?.bytes ?? 0),
    parts: Number(parts?.parts ?? 0),
    groups: (await kafka.groups(namesFor(prefix).groups)).length,
  }
}

function logBytes(dir: string, isWanted: (topic: string) => boolean): number {
  let bytes = 0
  for (const file of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.log') || !isWanted(file)) continue
    try {
      bytes += statSync(join(dir, file)).size
    } catch {
      // A segment that was removed meanwhile has no size.
    }
  }
  return bytes
}
