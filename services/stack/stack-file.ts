/**
 * `stack.json`: the addresses of a running stack. It appears, complete, when all servers respond, and is removed when
 * they are stopped. Commands without addresses in the environment read it. Also `run/ports.json`: the ports of the last
 * start.
 */
import { readFile } from 'node:fs/promises'
import { HOST } from './free-ports.ts'
import { PORT_NAMES, type Ports } from './options.ts'
import { clickhouseUrl } from './servers/clickhouse.ts'
import { registryUrl } from './servers/registry.ts'

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
  return PORT_NAMES.every((name) => Number.isInteger(numbers[name]))
}
