/** What a file larger than the memory costs the fetcher, which reads it in chunks: as CSV and as lines of JSON. */
import { join } from 'node:path'
import type { ApiAddress } from './api.ts'
import { CLI, runChild, startChild } from './child.ts'
import { FILE_FORMATS, type FileFormat } from './files.ts'
import { rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'
import { type Memory, memoryOf } from './usage.ts'

export type FileRun = { megabytes: number; records: number; seconds: number; memory: Memory | null }
export type FilesReport = Record<FileFormat, FileRun>

export async function filesPart(bench: Bench): Promise<FilesReport> {
  const megabytes = bench.options['file-megabytes']
  const args = [join(import.meta.dirname, 'file-server.ts'), String(megabytes)]
  const server = startChild({ name: 'file-server', args, env: bench.stack.env(), logDir: bench.logDir })
  try {
    const { url } = await server.message<ApiAddress>()
    const runs: [FileFormat, FileRun][] = []
    for (const format of FILE_FORMATS) runs.push([format, await runOf(bench, url, format, megabytes)])
    return Object.fromEntries(runs) as FilesReport
  } finally {
    await server.stop()
  }
}

async function runOf(bench: Bench, url: string, format: FileFormat, megabytes: number): Promise<FileRun> {
  const { env } = ownNames(bench, { BENCH_API_URL: url })
  const sources = join(import.meta.dirname, 'file-sources')
  const args = [CLI, '--sources', sources, 'fetch', `files.${format}`, '--once', '--json']
  const profile = bench.options.profile
  const { result, samples, seconds } = await runChild<{ records: number }>({
    ...{ name: `files-${format}`, args, env, logDir: bench.logDir, profile },
  })
  const run = { megabytes, records: result.records, seconds: rounded(seconds, 1), memory: memoryOf(samples) }
  bench.say(`  ${format}: ${run.records} records in ${run.seconds} s, ${run.memory?.maxMb ?? '?'} MB at most`)
  return run
}
