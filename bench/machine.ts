/** What the numbers were measured on. */
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import packageJson from '../package.json' with { type: 'json' }
import { rounded } from './numbers.ts'
import type { Bench } from './place.ts'

export type Machine = {
  date: string
  cpu: string
  cores: number
  memoryGb: number
  platform: string
  /** Load averages over 1, 5 and 15 minutes, before the first part: whatever else was running then. */
  load: number[]
  versions: { node: string; kafkajs: string; undici: string; kafka: string; clickhouse: string }
}

const GIB = 1024 ** 3

export function loadNow(): number[] {
  return loadavg().map((load) => rounded(load, 2))
}

export async function machineOf({ stack, clickhouse }: Bench): Promise<Machine> {
  const [version] = await clickhouse.rows<{ version: string }>('SELECT version() AS version')
  const kafkaLog = readFileSync(join(stack.dir, 'logs', 'kafka.log'), 'utf8')
  const { kafkajs, undici } = packageJson.dependencies
  return {
    date: new Date(systemClock.nowMs()).toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: rounded(totalmem() / GIB),
    platform: `${process.platform} ${process.arch}`,
    load: loadNow(),
    versions: {
      node: process.versions.node,
      kafkajs,
      undici,
      kafka: /Kafka version: (\S+)/.exec(kafkaLog)?.[1] ?? 'unknown',
      clickhouse: version?.version ?? 'unknown',
    },
  }
}
