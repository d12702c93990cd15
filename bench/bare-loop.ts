/**
 * What the fetcher is compared with: the same pages through undici and JSON.parse, one after the other, and nothing
 * else. Argument: the API.
 */
import { request } from 'undici'
import { systemClock } from '#shared/clock.ts'
import type { WalkResult } from './walk-result.ts'

const [api] = process.argv.slice(2)
const cpu = process.cpuUsage()
const startMs = systemClock.elapsedMs()
let records = 0
let cursor: string | null = null
do {
  const url: string = `${api}/events?share=0${cursor === null ? '' : `&cursor=${cursor}`}`
  const { body } = await request(url)
  const page = JSON.parse(await body.text()) as { data: unknown[]; next: string | null }
  records += page.data.length
  cursor = page.next
} while (cursor !== null)
const { user, system } = process.cpuUsage(cpu)
const result: WalkResult = {
  records,
  seconds: (systemClock.elapsedMs() - startMs) / 1000,
  cpuSeconds: (user + system) / 1e6,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit()
