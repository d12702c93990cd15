/**
 * What one page that is too much does to the fetcher and to its other streams. A service fetches it beside a stream
 * that is due every second, while /livez is requested all the time. The longest time to an answer is the longest block
 * of the event loop.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { samplesOf } from '../test/support/health.ts'
import { CLI, startChild } from './child.ts'
import { HOSTILE_PAGES, hostilePage, STEADY } from './hostile-pages.ts'
import { rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'
import { memoryOf } from './usage.ts'

export type HostileReport = Record<string, HostilePage>
export type HostilePage = {
  /**
   * Of the run that met it: done or failed; `killed` where the process ended, `none` where the run was not over in
   * time.
   */
  outcome: string
  /** From the answer to the end of the run. */
  seconds: number
  livezMaxMs: number
  /** Between two requests of the other stream. */
  steadyGapMaxMs: number
  peakMb: number | null
}

const LIVEZ_EVERY_MS = 20
const OVER_WITHIN_MS = 90_000
const LIVEZ_WITHIN_MS = 120_000
const WARM_UP_MS = 3_000
const AFTER_MS = 3_000

export async function hostilePart(bench: Bench): Promise<HostileReport> {
  const report: HostileReport = {}
  for (const name of Object.keys(HOSTILE_PAGES)) {
    report[name] = await measure(bench, name)
    bench.say(`  ${name}: ${JSON.stringify(report[name])}`)
  }
  return report
}

async function measure(bench: Bench, name: string): Promise<HostilePage> {
  const pages = { [STEADY]: hostilePage(STEADY), [name]: hostilePage(name) }
  const steadyMs: number[] = []
  let servedMs = Number.NaN
  const api = createServer(async (request, response) => {
    const asked = (request.url ?? '/').slice(1).split('?')[0] ?? ''
    if (asked === STEADY) steadyMs.push(systemClock.elapsedMs())
    else {
      // The other stream is to have a rhythm before it is disturbed.
      await systemClock.sleep(WARM_UP_MS)
      servedMs = systemClock.elapsedMs()
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(pages[asked])
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const port = await freePort()
  const address = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const { env } = ownNames(bench, { BENCH_API_URL: address, HEADRACE_HTTP_PORT: String(port) })
  const args = [
    CLI,
    '--sources',
    join(import.meta.dirname, 'hostile-sources'),
    'fetch',
    `hostile.${STEADY}`,
    `hostile.${name}`,
  ]
  const fetcher = startChild({ name: `hostile-${name}`, args, env, logDir: bench.logDir })
  try {
    const health = `http://127.0.0.1:${port}`
    const over = new AbortController()
    const livez = longestAnswer(`${health}/livez`, over.signal)
    const outcome = await outcomeOf(`${health}/metrics`, name)
    const seconds = (systemClock.elapsedMs() - servedMs) / 1000
    await systemClock.sleep(AFTER_MS)
    over.abort()
    const gaps = steadyMs.slice(1).map((ms, index) => ms - (steadyMs[index] ?? ms))
    return {
      outcome,
      seconds: rounded(seconds, 1),
      livezMaxMs: rounded(await livez),
      steadyGapMaxMs: rounded(Math.max(0, ...gaps)),
      peakMb: memoryOf(fetcher.samples())?.maxMb ?? null,
    }
  } finally {
    await fetcher.stop()
    api.closeAllConnections()
    api.close()
  }
}

/** From the first answer on. */
async function longestAnswer(url: string, over: AbortSignal): Promise<number> {
  let longestMs = 0
  let isUp = false
  while (!over.aborted) {
    const startMs = systemClock.elapsedMs()
    isUp = await answers(url, isUp ? LIVEZ_WITHIN_MS : LIVEZ_EVERY_MS * 10).catch(() => isUp)
    if (isUp) longestMs = Math.max(longestMs, systemClock.elapsedMs() - startMs)
    await systemClock.sleep(LIVEZ_EVERY_MS)
  }
  return longestMs
}

async function answers(url: string, withinMs: number): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) })
  await response.text()
  return response.ok
}

async function outcomeOf(url: string, stream: string): Promise<string> {
  const endMs = systemClock.elapsedMs() + OVER_WITHIN_MS
  let wasUp = false
  while (systemClock.elapsedMs() < endMs) {
    try {
      const text = await (await fetch(url)).text()
      wasUp = true
      const found = samplesOf(text).find(
        ({ name, labels, value }) => name === 'headrace_fetcher_runs_total' && labels.stream === stream && value > 0,
      )
      if (found !== undefined) return found.labels.outcome ?? 'none'
    } catch {
      if (wasUp) return 'killed'
    }
    await systemClock.sleep(LIVEZ_EVERY_MS * 10)
  }
  return 'none'
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
