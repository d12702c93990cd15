/** Whether the program accepts the environment of each container, with every file that it names at hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig, type ServerKind } from '#shared/config/config.ts'
import { messageOf } from '#shared/errors.ts'
import { makeAuthority } from '../../support/certificates.ts'
import type { Closes } from '../../support/processes.ts'
import { type Container, containersOf } from './manifests.ts'
import { type Breaks, envOf } from './rules.ts'

/** As `services/cli/` asks for them. */
const NEEDS: Record<string, readonly ServerKind[]> = {
  fetcher: ['kafka', 'registry'],
  loader: ['kafka', 'registry', 'clickhouse'],
  operator: ['kafka', 'registry'],
  check: ['kafka'],
}

/** A rule, and the folder of its files, which goes when the tests end. */
export function acceptance(closes: Closes): Breaks {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-k8s-'))
  closes.after(() => rmSync(folder, { recursive: true }))
  const authority = makeAuthority()
  const { cert, key } = authority.issue('headrace')
  for (const [name, text] of Object.entries({ CA: authority.ca, CERT: cert, KEY: key, OTHER: 'from a file\n' }))
    writeFileSync(join(folder, name), text)

  function environmentOf(container: Container): Record<string, string> {
    const fileFor = (name: string) => join(folder, /_TLS_(CA|CERT|KEY)_FILE$/.exec(name)?.[1] ?? 'OTHER')
    const seen = Object.entries(envOf(container)).map(([name, value]) => [
      name,
      name.endsWith('_FILE') ? fileFor(name) : value,
    ])
    return { ...Object.fromEntries(seen), HEADRACE_DIR: folder }
  }

  return (manifests) =>
    containersOf(manifests).flatMap(([, container]) => {
      try {
        readConfig(environmentOf(container), NEEDS[container.name])
        return []
      } catch (error) {
        return [`${container.name}: ${messageOf(error)}`]
      }
    })
}
