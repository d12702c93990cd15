/**
 * Headrace with its defaults, as the package that users install, built from this checkout. Two processes start at once:
 * the fetcher ends by itself, the loader is stopped.
 */
import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MINUTE_MS } from '#shared/units.ts'
import { VERSION } from '#shared/version.ts'
import { ROOT, startChild } from '../child.ts'
import type { Bench } from '../place.ts'
import { REALISTIC_STREAMS, realisticStream } from '../realistic.ts'
import { CACHE } from './install.ts'
import type { Servers, Side } from './side.ts'

const HEADRACE = `Headrace ${VERSION}`
const SOURCES = join(import.meta.dirname, '..', 'realistic-sources')
const BUILD_WITHIN_MS = 5 * MINUTE_MS

export async function headraceSide(bench: Bench, { apiUrl, clickhouseUrl }: Servers): Promise<Side> {
  const { command, sources } = await built()
  const source = realisticStream('orders').source.name
  return {
    name: HEADRACE,
    beside: ['kafka', 'registry'],
    final: true,
    table: (list) => `${source}_${list}`,
    prepare: async () => undefined,
    start(database) {
      const env = bench.stack.env({
        ...{ HEADRACE_PREFIX: database, CLICKHOUSE_DATABASE: database, CLICKHOUSE_URL: clickhouseUrl },
        ...{ BENCH_API_URL: apiUrl, HEADRACE_LOG_FORMAT: 'json' },
      })
      const { logDir } = bench
      const profile = bench.options.profile
      const run = (name: string, args: string[]) => startChild({ name, args: [command, ...args], env, logDir, profile })
      const streams = REALISTIC_STREAMS.map((list) => `${source}.${list}`)
      const fetcher = run('peers-fetcher', ['--sources', sources, 'fetch', ...streams, '--once'])
      return { jobs: [fetcher], services: [run('peers-loader', ['load'])] }
    },
  }
}

/** Below this checkout, where the package finds its dependencies. The declarations in it import the package itself. */
async function built(): Promise<{ command: string; sources: string }> {
  const dir = join(CACHE, 'headrace')
  await rm(dir, { recursive: true, force: true })
  const args = [join(ROOT, 'bin', 'build.ts'), dir]
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: BUILD_WITHIN_MS })
  const sources = join(dir, 'bench-sources')
  await cp(SOURCES, sources, { recursive: true })
  return { command: join(dir, 'bin', 'headrace.cjs'), sources }
}
