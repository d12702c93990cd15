/**
 * What the fetcher is compared with: the same pages through undici and JSON.parse, one after the other, and nothing
 * else. Arguments: the API, the set of records.
 */
import { request } from 'undici'
import { systemClock } from '#shared/clock.ts'
import type { WalkResult } from './walk-result.ts'
import { WALK_LISTS, type WalkSet } from './walk-sets.ts'

const [api, set = 'plain'] = process.argv.slice(2)
const cpu = process.cpuUsage()
const startMs = systemClock.elapsedMs()
let records = 0
for (const { name } of WALK_LISTS[set as WalkSet]) {
  let cursor: string | null = null
  do {
    const url: string = `${api}/${name}?share=0${cursor === null ? '' : `&cursor=${cursor}`}`
    const { body } = await request(url)
    const page = JSON.parse(await body.text()) as { data: unknown[]; next: string | null }
    records += page.data.length
    cursor = page.next
  } while (cursor !== null)
}
const { user, system } = process.cpuUsage(cpu)
const result: WalkResult = {
  records,
  seconds: (systemClock.elapsedMs() - startMs) / 1000,
  cpuSeconds: (user + system) / 1e6,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit()
