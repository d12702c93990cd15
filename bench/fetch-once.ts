/**
 * The real fetcher over all pages of a set, once: from the first request until the last page is in the log. The lists
 * of the set follow one another. Arguments: the API, partitions, the set. The servers and names come from the
 * environment.
 */

import { systemClock } from '#shared/clock.ts'
import { environment, readConfig, resolverFor } from '#shared/config/config.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { fetchStreams } from '../services/fetcher/fetcher.ts'
import type { ApiStats } from './api.ts'
import type { WalkResult } from './walk-result.ts'
import { WALK_LISTS, type WalkList, type WalkSet } from './walk-sets.ts'

const [api = '', partitions = '1', set = 'plain'] = process.argv.slice(2)
const stats = async (path: string): Promise<ApiStats> => (await (await fetch(`${api}${path}`)).json()) as ApiStats

async function walk({ stream }: WalkList): Promise<WalkResult> {
  await stats('/reset')
  let startCpu = process.cpuUsage()
  let endCpu = startCpu
  let endMs = 0
  const summary = await fetchStreams({
    streams: [stream(Number(partitions))],
    config: readConfig(environment),
    resolver: resolverFor({ ...environment, BENCH_API_URL: api }),
    clock: systemClock,
    log: createLog({ level: 'warn', pretty: false, name: 'fetcher' }),
    metrics: createMetrics(),
    signal: new AbortController().signal,
    once: true,
    // Joined: what comes now are the runs.
    onReady: () => {
      startCpu = process.cpuUsage()
    },
    onProgress: () => {
      endMs = systemClock.nowMs()
      endCpu = process.cpuUsage()
    },
  })
  const { firstMs } = await stats('/stats')
  const failed = Object.entries(summary.partitions).filter(([, { outcome }]) => outcome !== 'done')
  if (failed.length > 0 || firstMs === null) {
    process.stderr.write(`${JSON.stringify(summary)}\n`)
    process.exit(1)
  }
  const cpuSeconds = (endCpu.user + endCpu.system - startCpu.user - startCpu.system) / 1e6
  return { records: summary.records, seconds: (endMs - firstMs) / 1000, cpuSeconds }
}

const total: WalkResult = { records: 0, seconds: 0, cpuSeconds: 0 }
for (const list of WALK_LISTS[set as WalkSet]) {
  const { records, seconds, cpuSeconds } = await walk(list)
  total.records += records
  total.seconds += seconds
  total.cpuSeconds += cpuSeconds
}
process.stdout.write(`${JSON.stringify(total)}\n`)
process.exit()
