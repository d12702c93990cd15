/**
 * The whole way from an API to rows that can be read, by Headrace and by others, on the realistic set, in turn. One API
 * process and one ClickHouse serve all. A side counts only if each of its runs loaded everything, which exact sums
 * show. A side that cannot be installed, or that fails, is reported with its reason instead of numbers.
 */
import { messageOf } from '#shared/errors.ts'
import { rounded } from './numbers.ts'
import { benthosSides } from './peers/benthos.ts'
import { dltSides } from './peers/dlt.ts'
import { headraceSide } from './peers/headrace.ts'
import { measure, type SideRun } from './peers/measure.ts'
import { openServers } from './peers/servers.ts'
import type { Missing, Side } from './peers/side.ts'
import { type SideRuns, summaryOf, type WholeWaySides } from './peers/summary.ts'
import { expectedTotals } from './peers/totals.ts'
import type { Bench } from './place.ts'

export type WholeWayReport = { records: number; repeat: number; sides: WholeWaySides }

export async function peersPart(bench: Bench): Promise<WholeWayReport> {
  const { 'peers-records': records, repeat } = bench.options
  const expected = expectedTotals(records)
  const servers = await openServers(bench, records)
  try {
    bench.say('  building the package, and installing what is not installed yet')
    const sides: (Side | Missing)[] = [
      await headraceSide(bench, servers),
      ...(await dltSides(bench, servers)),
      ...(await benthosSides(bench, servers)),
    ]
    const results = sides.map((side): Missing | (SideRuns & { runs: SideRun[] }) =>
      'reason' in side ? side : { name: side.name, runs: [] },
    )
    for (let run = 1; run <= repeat; run++)
      for (const [index, side] of sides.entries()) {
        const result = results[index]
        if ('reason' in side || result === undefined || 'reason' in result) continue
        try {
          const each = await measure(bench, servers, side, expected)
          result.runs.push(each)
          bench.say(`  ${side.name} ${run}: ${textOf(each)}`)
        } catch (error) {
          results[index] = { name: side.name, reason: messageOf(error) }
          bench.say(`  ${side.name} ${run}: ${messageOf(error)}`)
        }
      }
    return {
      records: Object.values(expected).reduce((sum, { rows }) => sum + rows, 0),
      ...{ repeat, sides: summaryOf(results) },
    }
  } finally {
    await servers.close()
  }
}

function textOf({ seconds, rowSeconds, own, clickhouse, beside }: SideRun): string {
  const cpu = [own, clickhouse, beside].map((each) => (each === null ? '?' : rounded(each, 2))).join(' + ')
  return `${rounded(seconds, 1)} s, ${rounded(rowSeconds, 1)} s from the first row; CPU-s ${cpu}`
}
