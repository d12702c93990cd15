/**
 * dlt's merge by primary key, twice: as it is by default, with a table for each nested list, and with nested values in
 * one column, as Headrace has them. Its versions and those of all that it depends on are pinned in requirements.txt.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../child.ts'
import type { Bench } from '../place.ts'
import { installed, reasonOf } from './install.ts'
import type { Missing, Servers, Side } from './side.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const SCRIPT = join(import.meta.dirname, 'dlt_pipeline.py')
const VERSION = /^dlt==(\S+)$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? 'unknown'

export const DLT = `dlt ${VERSION}`
const FLAT = `${DLT}, nested values in one column`

export async function dltSides(bench: Bench, servers: Servers): Promise<(Side | Missing)[]> {
  try {
    const dir = await installed('dlt', [REQUIREMENTS], (to) => [
      { command: 'python3', args: ['-m', 'venv', to] },
      { command: join(to, 'bin', 'pip'), args: ['install', '--quiet', '--requirement', REQUIREMENTS] },
    ])
    const python = join(dir, 'bin', 'python')
    return [sideOf(bench, servers, python, DLT, 'default'), sideOf(bench, servers, python, FLAT, '0')]
  } catch (error) {
    return [DLT, FLAT].map((name) => ({ name, reason: reasonOf(error) }))
  }
}

function sideOf(bench: Bench, servers: Servers, python: string, name: string, nesting: 'default' | '0'): Side {
  const { apiUrl, clickhouse, ports } = servers
  return {
    ...{ name, beside: [], final: false },
    table: (list, database) => `${datasetOf(database)}___${list}`,
    prepare: (database) => clickhouse.run(`CREATE DATABASE ${database}`),
    start(database) {
      const env = bench.stack.env({
        ...credentials({ host: '127.0.0.1', port: ports.tcp, http_port: ports.http, database }),
        DLT_DATA_DIR: join(bench.logDir, `dlt-${database}`),
        RUNTIME__DLTHUB_TELEMETRY: 'false',
      })
      const args = [SCRIPT, apiUrl, datasetOf(database), nesting]
      const job = startChild({ name: `peers-dlt-${nesting}`, args, env, logDir: bench.logDir, runtime: python })
      return { jobs: [job], services: [] }
    },
  }
}

const datasetOf = (database: string): string => `set_${database}`

/** As dlt reads them from the environment. */
function credentials(fields: Record<string, string | number>): Record<string, string> {
  const all = { ...fields, username: 'default', password: '', secure: 0 }
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      `DESTINATION__CLICKHOUSE__CREDENTIALS__${name.toUpperCase()}`,
      String(value),
    ]),
  )
}
