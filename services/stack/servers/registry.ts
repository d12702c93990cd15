/**
 * The schema registry: Apicurio Registry from Maven Central, whose Confluent-compatible API is at /apis/ccompat/v7. It
 * keeps its schemas in an H2 file that is written through at every commit. So a restart, also after kill -9, knows the
 * ids that the records in Kafka carry. Version 3 needs Java 21; with an older one it is version 2.6, which has the same
 * API and the same file database.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Unavailable } from '#shared/errors.ts'
import type { Java } from '../downloads/java.ts'
import { type Download, fetchDownload } from '../downloads/maven.ts'
import { HOST } from '../free-ports.ts'
import { type Launch, type Ports, pathsOf, type StackOptions } from '../options.ts'
import { isHttpReady } from './http-ready.ts'

type Release = {
  version: string
  javaMajorMin: number
  megabytes: number
  environment: (url: string) => Record<string, string>
}

const HEAP_MEGABYTES = 384
const STOP_WITHIN_MS = 10_000

/** Newest first. The management port would be 9000 on all interfaces for every stack: 0 lets the system choose. */
const RELEASES: readonly Release[] = [
  {
    version: '3.3.3',
    javaMajorMin: 21,
    megabytes: 158,
    environment: (url) => ({
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'h2',
      APICURIO_DATASOURCE_URL: url,
      QUARKUS_MANAGEMENT_HOST: HOST,
      QUARKUS_MANAGEMENT_PORT: '0',
    }),
  },
  {
    version: '2.6.13.Final',
    javaMajorMin: 17,
    megabytes: 138,
    environment: (url) => ({ REGISTRY_DATASOURCE_URL: url }),
  },
]

export async function prepareRegistry(options: StackOptions, ports: Ports, javas: readonly Java[]): Promise<Launch> {
  const data = pathsOf(options).data('registry')
  const release = await chooseRelease(data, javas)
  const java = javas.find(({ major }) => major >= release.javaMajorMin)!
  const folder = await fetchDownload(downloadOf(release), options)
  // Relative to the stack's folder, the registry's working directory: a semicolon in an absolute path would end it.
  const database = 'jdbc:h2:file:./data/registry/registry;WRITE_DELAY=0'
  return {
    command: java.executable,
    args: [
      `-Xmx${HEAP_MEGABYTES}m`,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-jar',
      join(folder, await runnerIn(folder)),
    ],
    env: {
      QUARKUS_HTTP_HOST: HOST,
      QUARKUS_HTTP_PORT: String(ports.registry),
      QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
      ...release.environment(database),
    },
    stopWithinMs: STOP_WITHIN_MS,
  }
}

export function registryUrl(port: number): string {
  return `http://${HOST}:${port}/apis/ccompat/v7`
}

export function isRegistryReady(port: number, withinMs: number): Promise<boolean> {
  return isHttpReady(`${registryUrl(port)}/subjects`, withinMs)
}

/**
 * The two versions' databases differ, so data stays with the version that wrote it. Throws HR_JAVA_TOO_OLD if that
 * version cannot run.
 */
async function chooseRelease(data: string, javas: readonly Java[]): Promise<Release> {
  await mkdir(data, { recursive: true })
  const note = join(data, 'version')
  const written = (await readFile(note, 'utf8').catch(() => '')).trim()
  const newest = Math.max(...javas.map(({ major }) => major))
  const release = RELEASES.find(({ version, javaMajorMin }) =>
    written === '' ? javaMajorMin <= newest : version === written,
  )
  if (release === undefined || release.javaMajorMin > newest) {
    const needed = release?.javaMajorMin ?? RELEASES[0]!.javaMajorMin
    throw new Unavailable(
      'HR_JAVA_TOO_OLD',
      `schemas below ${data} are from Apicurio Registry ${written}, which this Java (${newest}) cannot run`,
      {
        hint: `install Java ${needed} or newer, or start a stack in another folder`,
      },
    )
  }
  await writeFile(note, `${release.version}\n`)
  return release
}

function downloadOf({ version, megabytes }: Release): Download {
  return {
    name: `apicurio-registry-${version}`,
    what: `Apicurio Registry ${version}`,
    megabytes,
    artifacts: [`io.apicurio:apicurio-registry-app:${version}:tar.gz:all`],
    unpack: `apicurio-registry-app-${version}-all.tar.gz`,
  }
}

async function runnerIn(folder: string): Promise<string> {
  const runner = (await readdir(folder)).find((name) => name === 'quarkus-run.jar' || name.endsWith('-runner.jar'))
  if (runner !== undefined) return runner
  throw new Unavailable('HR_STACK_CACHE_BROKEN', `no runnable jar in ${folder}`, {
    hint: 'remove that folder: the next start downloads it again',
  })
}
