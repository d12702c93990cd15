/**
 * `stack.json`: where the servers of a running stack are. It appears, whole, when all of them answer, and is gone when they are
 * stopped; whoever has no addresses in the environment reads them here. And `run/ports.json`: the ports of the last start.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { clickhouseUrl } from './clickhouse.ts'
import type { Ports } from './options.ts'
import { HOST } from './ports.ts'
import { registryUrl } from './registry.ts'

export type StackFile = {
  v: 1
  kafka: { brokers: string }
  registry: { url: string }
  clickhouse: { url: string }
  sampleApi?: { url: string }
}

export function stackFileOf(ports: Ports): StackFile {
  return {
    v: 1,
    kafka: { brokers: `${HOST}:${ports.kafka}` },
    registry: { url: registryUrl(ports.registry) },
    clickhouse: { url: clickhouseUrl(ports.clickhouse) },
  }
}

export async function writeJson(path: string, value: StackFile | Ports): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`)
  await rename(`${path}.new`, path)
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

export async function readPorts(path: string): Promise<Ports | undefined> {
  const value = await readJson(path)
  return isPorts(value) ? value : undefined
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

function isPorts(value: unknown): value is Ports {
  if (typeof value !== 'object' || value === null) return false
  const numbers: Record<string, unknown> = { ...value }
  return ['kafka', 'kafkaController', 'registry', 'clickhouse'].every((name) => Number.isInteger(numbers[name]))
}
