/**
 * Benthos, the engine of Redpanda Connect, built from its Go module with the components that this needs. Its output is
 * ClickHouse's HTTP interface. The tables are made before, since it makes none.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../child.ts'
import type { Bench } from '../place.ts'
import { REALISTIC_STREAMS } from '../realistic.ts'
import { installed, reasonOf } from './install.ts'
import type { Missing, Servers, Side } from './side.ts'

const MODULE = join(import.meta.dirname, 'benthos')
const PINNED_BY = ['go.mod', 'go.sum', 'main.go'].map((file) => join(MODULE, file))
const CONFIG = join(MODULE, 'benthos.yaml')
const VERSION = /benthos\/v4 v(\S+)/.exec(readFileSync(join(MODULE, 'go.mod'), 'utf8'))?.[1] ?? 'unknown'
const NAME = `Benthos ${VERSION}, the engine of Redpanda Connect`
const COLUMNS = [
  'id String, number Int64, customer String, status String, total Decimal(18, 2), tax Nullable(Decimal(18, 4)),',
  'weight Float64, note Nullable(String), coupon Nullable(String), shipping String, lines String,',
  'account String, region String, created_at DateTime64(3), updated_at DateTime64(3)',
].join(' ')

export async function benthosSides(bench: Bench, servers: Servers): Promise<(Side | Missing)[]> {
  try {
    const dir = await installed('benthos', PINNED_BY, (to) => [
      { command: 'go', args: ['build', '-o', join(to, 'benthos'), '.'], cwd: MODULE },
    ])
    return [sideOf(bench, servers, join(dir, 'benthos'))]
  } catch (error) {
    return [{ name: NAME, reason: reasonOf(error) }]
  }
}

function sideOf(bench: Bench, { apiUrl, clickhouse, clickhouseUrl }: Servers, program: string): Side {
  return {
    ...{ name: NAME, beside: [], final: true },
    table: (list) => list,
    async prepare(database) {
      await clickhouse.run(`CREATE DATABASE ${database}`)
      const engine = 'ENGINE = ReplacingMergeTree(updated_at) ORDER BY id'
      for (const list of REALISTIC_STREAMS)
        await clickhouse.run(`CREATE TABLE ${database}.${list} (${COLUMNS}) ${engine}`)
    },
    start(database) {
      const env = bench.stack.env({ API: apiUrl, CLICKHOUSE_URL: clickhouseUrl, DATABASE: database })
      const spec = { name: 'peers-benthos', args: ['run', CONFIG], env, logDir: bench.logDir, runtime: program }
      return { jobs: [startChild(spec)], services: [] }
    },
  }
}
