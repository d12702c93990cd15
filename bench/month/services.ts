/**
 * The processes of the month: of each service one that lives for all of it and one that deploys replace, and now and
 * then a third. A stop is SIGTERM; an exit status other than 0 is noted.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Child, CLI, startChild } from '../child.ts'
import { SERVICES, type Service } from './plan.ts'

export type Services = {
  longLived: Readonly<Record<Service, Child>>
  /** One at a time: the old process is gone before the new one starts. */
  deploy(service: Service): Promise<void>
  join(service: Service): void
  leave(): Promise<void>
  stop(): Promise<void>
  /** `badExits`: process and status of each that ended with another one than 0; null stands for a signal. */
  figures: { deploys: number; joins: number; badExits: string[] }
}

const SOURCES = join(import.meta.dirname, '..', 'month-sources')
const PROBE = pathToFileURL(join(import.meta.dirname, 'probe.ts')).href
const COMMANDS: Readonly<Record<Service, readonly string[]>> = {
  fetcher: ['--sources', SOURCES, 'fetch'],
  loader: ['load'],
}

export function startServices(env: Record<string, string>, logDir: string): Services {
  const figures: Services['figures'] = { deploys: 0, joins: 0, badExits: [] }
  const started = (service: Service, name: string, flags: readonly string[] = []) =>
    startChild({ name: `month-${service}-${name}`, args: [...flags, CLI, ...COMMANDS[service]], env, logDir })
  const probed = (service: Service) => started(service, 'long', ['--expose-gc', '--import', PROBE])
  const longLived = { fetcher: probed('fetcher'), loader: probed('loader') }
  const replaced = { fetcher: started('fetcher', 'replaced'), loader: started('loader', 'replaced') }
  let third: Child | null = null
  let isStopped = false

  async function ended(child: Child, name: string): Promise<void> {
    const status = await child.stop()
    if (status !== 0) figures.badExits.push(`${name}: ${status}`)
  }
  async function leave(): Promise<void> {
    const leaving = third
    third = null
    if (leaving !== null) await ended(leaving, 'third')
  }

  return {
    longLived,
    figures,
    async deploy(service) {
      await ended(replaced[service], `replaced ${service}`)
      replaced[service] = started(service, 'replaced')
      figures.deploys += 1
    },
    join(service) {
      third = started(service, 'third')
      figures.joins += 1
    },
    leave,
    async stop() {
      if (isStopped) return
      isStopped = true
      await Promise.all(SERVICES.map((service) => ended(replaced[service], `replaced ${service}`)))
      await Promise.all(SERVICES.map((service) => ended(longLived[service], `long-lived ${service}`)))
      await leave()
    },
  }
}
