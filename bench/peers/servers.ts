/**
 * The API and the ClickHouse of the comparison. dlt loads over the native interface too, so this ClickHouse has one,
 * and is beside the stack's own.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { SECOND_MS } from '#shared/units.ts'
import { freePorts, HOST } from '../../services/stack/free-ports.ts'
import { clickhouseUrl, isClickhouseReady, libraryPath } from '../../services/stack/servers/clickhouse.ts'
import type { ApiAddress } from '../api.ts'
import { type Child, ROOT, startChild } from '../child.ts'
import { startApi } from '../fetcher-part.ts'
import { type Bench, connectClickhouse } from '../place.ts'
import type { Servers } from './side.ts'

const PROCESS = join(ROOT, 'services', 'stack', 'servers', 'clickhouse-process.ts')
const READY_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 200

export async function openServers(bench: Bench, records: number): Promise<Servers> {
  const [http = 0, tcp = 0] = await freePorts(2, systemClock)
  const server = await startClickhouse(bench, http, tcp)
  const api = startApi(bench, records, 1)
  const url = clickhouseUrl(http)
  const clickhouse = connectClickhouse(url)
  const close = async () => {
    await clickhouse.close()
    await Promise.all([api.stop(), server.stop()])
  }
  try {
    await ready(http, server)
    const { url: apiUrl } = await api.message<ApiAddress>()
    return { apiUrl, clickhouse, clickhouseUrl: url, clickhousePid: server.pid, ports: { http, tcp }, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startClickhouse(bench: Bench, http: number, tcp: number): Promise<Child> {
  const dir = join(bench.stack.dir, 'peers-clickhouse')
  const config = join(dir, 'config.xml')
  await mkdir(dir, { recursive: true })
  const listen = `<tcp_port>${tcp}</tcp_port><listen_host>${HOST}</listen_host>`
  await writeFile(config, `<clickhouse>${listen}</clickhouse>\n`)
  const args = [PROCESS, libraryPath(), join(dir, 'data'), String(http), config]
  return startChild({ name: 'peers-clickhouse', args, env: bench.stack.env(), logDir: bench.logDir })
}

async function ready(port: number, server: Child): Promise<void> {
  const endMs = systemClock.elapsedMs() + READY_WITHIN_MS
  while (!(await isClickhouseReady(port, SECOND_MS))) {
    if (systemClock.elapsedMs() > endMs)
      throw new Stopped('HR_BENCH_PEERS', 'ClickHouse does not answer', { hint: server.lastLines() })
    await systemClock.sleep(LOOK_EVERY_MS)
  }
}
