/**
 * ClickHouse: the library of the npm package `chdb` (ClickHouse itself), run as `clickhouse local` in its own process
 * with ClickHouse's HTTP interface. Tables survive restarts and kill -9.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Unavailable } from '#shared/errors.ts'
import { dependencyDir, moduleFile, requireLocalPackages } from '#shared/installation.ts'
import { HOST } from '../free-ports.ts'
import { type Launch, type Ports, pathsOf, type StackOptions } from '../options.ts'
import { isHttpReady } from './http-ready.ts'

const STOP_WITHIN_MS = 10_000
const SERVER = moduleFile(import.meta, 'clickhouse-process')

export async function prepareClickhouse(options: StackOptions, ports: Ports): Promise<Launch> {
  const data = pathsOf(options).data('clickhouse')
  await mkdir(data, { recursive: true })
  return {
    command: process.execPath,
    args: [SERVER, libraryPath(), data, String(ports.clickhouse)],
    env: {},
    stopWithinMs: STOP_WITHIN_MS,
  }
}

export function clickhouseUrl(port: number): string {
  return `http://${HOST}:${port}`
}

export function isClickhouseReady(port: number, withinMs: number): Promise<boolean> {
  return isHttpReady(`${clickhouseUrl(port)}/?query=SELECT%201`, withinMs, '1')
}

/** The platform's own package of chdb; npm installs only the one that fits. */
export function libraryPath(): string {
  requireLocalPackages(['chdb', 'ffi-rs'], 'the local ClickHouse')
  const name = `@chdb/lib-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`
  const path = join(dependencyDir('chdb', name) ?? '', 'libchdb.so')
  if (existsSync(path)) return path
  throw new Unavailable('HR_CLICKHOUSE_MISSING', `the npm package ${name} with ClickHouse's library is not installed`, {
    hint: 'run `npm install` with optional packages, on Linux (glibc) or macOS, x64 or arm64',
  })
}
