/**
 * The recorded cost of a record in the fetcher, and what has become more. Times differ with the machine and with what
 * else it does; allocated bytes and calls do not, for one major version of Node. `node bench/hot-path.ts --record`
 * records them again.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { WalkSet } from './walk-sets.ts'

/** Of one record. `calls`: of functions of the product and of zod. */
export type Cost = { bytes: number; calls: number }
export type HotPathCosts = Record<WalkSet, Cost>
/** `node`: the major version that it was recorded with. */
export type Baseline = { node: string; costs: HotPathCosts }

/** No compiler that works beside the program, and room for a page without a collection: otherwise numbers vary. */
const FLAGS = [
  ...['--expose-gc', '--no-opt', '--no-maglev', '--single-threaded', '--no-warnings'],
  ...['--min-semi-space-size=128', '--max-semi-space-size=128'],
]
const WITHIN_MS = 120_000
/** What a version of Node or zod may add without a notice. Two measurements differ by less than a hundredth. */
export const MARGIN = 0.1
const PERCENT = 100

const FILE = join(import.meta.dirname, 'hot-path-baseline.json')
export const RECORD_AGAIN = 'node bench/hot-path.ts --record'

export const nodeMajor = (): string => process.versions.node.split('.', 1)[0] as string
export const baseline = (): Baseline => JSON.parse(readFileSync(FILE, 'utf8')) as Baseline

export async function measureHotPath(): Promise<HotPathCosts> {
  const script = join(import.meta.dirname, 'hot-path-cost.ts')
  // Of the environment only what Node needs: NODE_OPTIONS could change what is measured.
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script], { env, timeout: WITHIN_MS })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as HotPathCosts
}

/** What costs more than was recorded, beyond the margin: one line each, for a person. Pure. */
export function costlier(recorded: HotPathCosts, measured: HotPathCosts): string[] {
  return (Object.keys(recorded) as WalkSet[]).flatMap((set) =>
    (['bytes', 'calls'] as const).flatMap((unit) => {
      const [before, now] = [recorded[set][unit], measured[set][unit]]
      if (now <= before * (1 + MARGIN)) return []
      const more = Math.round((now / before - 1) * PERCENT)
      const what = unit === 'bytes' ? `allocates ${now} bytes` : `calls ${now} functions`
      return [`a ${set} record ${what} on its way through the fetcher, ${more} % more than the recorded ${before}`]
    }),
  )
}

if (process.argv[1] === import.meta.filename) {
  const costs = await measureHotPath()
  process.stdout.write(`${JSON.stringify(costs, null, 2)}\n`)
  if (process.argv.includes('--record'))
    writeFileSync(FILE, `${JSON.stringify({ node: nodeMajor(), costs } satisfies Baseline, null, 2)}\n`)
}
