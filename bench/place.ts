/**
 * Where the bench runs: a private stack in a temporary folder, and for each measurement topics, groups and a database
 * of its own.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { ServerName } from '../services/stack/stack.ts'
import { type OwnStack, ownStack, uniquePrefix } from '../test/support/stack.ts'
import type { BenchOptions } from './options.ts'

export type ClickHouse = {
  rows<T>(query: string): Promise<T[]>
  run(query: string): Promise<void>
  close(): Promise<void>
}

export type Bench = {
  options: BenchOptions
  stack: OwnStack
  clickhouse: ClickHouse
  logDir: string
  /** One line for a person; to standard error. */
  say(line: string): void
}

export async function openBench(options: BenchOptions, say: Bench['say']): Promise<Bench> {
  const stack = await ownStack()
  return { options, stack, clickhouse: connectClickhouse(stack.clickhouseUrl), logDir: join(stack.dir, 'bench'), say }
}

/** A service's environment: the stack's addresses, and names that no other measurement uses. */
export function ownNames(
  { stack }: Bench,
  more: Record<string, string> = {},
): { prefix: string; env: Record<string, string> } {
  const prefix = uniquePrefix()
  return {
    prefix,
    env: stack.env({ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix, HEADRACE_LOG_FORMAT: 'json', ...more }),
  }
}

/** The process of a server of the stack; 0 when nobody knows. */
export function pidOf({ stack }: Bench, server: ServerName): number {
  const { server: identity } = JSON.parse(readFileSync(join(stack.dir, 'run', `${server}.json`), 'utf8')) as {
    server: { pid: number }
  }
  return identity.pid
}

export function connectClickhouse(url: string): ClickHouse {
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } })
  return {
    async rows<T>(query: string) {
      const answer = await client.query({
        query,
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      })
      return answer.json<T>()
    },
    run: async (query) => void (await client.command({ query })),
    close: () => client.close(),
  }
}
