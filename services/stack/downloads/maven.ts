/**
 * Downloads from Maven Central into the cache folder, through the person's own Maven (so its settings, mirrors and
 * proxies apply). A download goes to a temporary folder that is renamed when complete, under one lock. So neither an
 * interruption nor a second process leaves half a download. Afterwards Maven is not needed any more.
 */
import { access, constants, mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Environment } from '#shared/config/config.ts'
import { Unavailable } from '#shared/errors.ts'
import { exists } from '../files.ts'
import { pathsOf, type StackOptions } from '../options.ts'
import { runCommand } from '../processes/command.ts'
import { withLock } from '../processes/lock.ts'

export type Download = {
  /** The folder's name in the cache; has product and version. */
  name: string
  /** For the progress line. */
  what: string
  megabytes: number
  /**
   * Maven's coordinates, `group:artifact:version[:type[:classifier]]`; with their dependencies unless `unpack` is set.
   */
  artifacts: readonly string[]
  /** The name of the one tar.gz among the artifacts, to be unpacked. */
  unpack?: string
}

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
const DOWNLOAD_WAIT_MS = 20 * 60_000
const DISK_BYTES_COLD_MIN = 2 * 1024 ** 3
const HINT = 'check the network; a proxy or mirror goes into ~/.m2/settings.xml'

/**
 * The folder of a download, fetched first if it is missing. Throws HR_MAVEN_MISSING, HR_DISK_FULL,
 * HR_STACK_COMMAND_FAILED.
 */
export async function fetchDownload(download: Download, options: StackOptions): Promise<string> {
  const { cache } = pathsOf(options)
  const folder = join(cache, download.name)
  if (await exists(folder)) return folder
  const onWait = (pid: number) => {
    if (pid !== process.pid) options.onProgress?.(`waiting for process ${pid}, which is downloading`)
  }
  await withLock(
    join(cache, 'lock'),
    { clock: options.clock, waitMs: DOWNLOAD_WAIT_MS, onWait, signal: options.signal },
    async () => {
      if (await exists(folder)) return
      await removeLeftOvers(cache)
      await checkDisk(cache, DISK_BYTES_COLD_MIN)
      options.onProgress?.(`downloading ${download.what} (${download.megabytes} MB, once)`)
      const temporary = join(cache, `.new-${download.name}`)
      await mkdir(temporary, { recursive: true })
      await (download.unpack === undefined
        ? fetchJars(download, temporary, options)
        : fetchArchive(download, download.unpack, temporary, options))
      await rename(temporary, folder)
    },
  )
  return folder
}

/** Throws HR_DISK_FULL if the file system of `folder` has less than `bytesMin` left. */
export async function checkDisk(folder: string, bytesMin: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= bytesMin) return
  throw new Unavailable(
    'HR_DISK_FULL',
    `only ${megabytes(bavail * bsize)} MB are free below ${folder}, ${megabytes(bytesMin)} MB are needed`,
    {
      hint: 'free some space, or put the stack elsewhere with --dir',
    },
  )
}

async function fetchJars(download: Download, into: string, options: StackOptions): Promise<void> {
  await writeFile(join(into, 'pom.xml'), pom(download))
  await maven(download, into, options, [`${PLUGIN}:copy-dependencies`, `-DoutputDirectory=${into}`])
}

async function fetchArchive(download: Download, archive: string, into: string, options: StackOptions): Promise<void> {
  await writeFile(join(into, 'pom.xml'), pom({ ...download, artifacts: [] }))
  await maven(download, into, options, [
    `${PLUGIN}:copy`,
    `-Dartifact=${download.artifacts[0]}`,
    `-DoutputDirectory=${into}`,
  ])
  const unpacking = {
    command: 'tar',
    args: ['-xzf', archive],
    cwd: into,
    logFile: join(pathsOf(options).cache, 'tar.log'),
    what: `unpacking ${archive}`,
    hint: 'install tar and gzip; if they are there, check the space on the disk',
  }
  await runCommand(unpacking, options)
  await rm(join(into, archive))
}

async function maven(download: Download, cwd: string, options: StackOptions, goals: string[]): Promise<void> {
  const command = await findMaven(options.env)
  const args = ['--batch-mode', '--quiet', '--strict-checksums', '-f', join(cwd, 'pom.xml'), ...goals]
  const logFile = join(pathsOf(options).cache, 'maven.log')
  await runCommand(
    { command, args, cwd, logFile, what: `downloading ${download.what} with Maven`, hint: HINT },
    options,
  )
}

async function findMaven(env: Environment): Promise<string> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, 'mvn')))) return join(folder, 'mvn')
  }
  throw new Unavailable(
    'HR_MAVEN_MISSING',
    'Maven (mvn) is not on PATH: the first start downloads Kafka and the schema registry with it',
    {
      hint: 'install it (`apt install maven`, macOS: `brew install maven`); later starts do not need it',
    },
  )
}

function pom({ name, artifacts }: Download): string {
  const dependencies = artifacts.map((artifact) => {
    const [groupId, artifactId, version] = artifact.split(':')
    const of = `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>`
    return `<dependency>${of}</dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${dependencies.join('')}</dependencies>
</project>
`
}

async function removeLeftOvers(cache: string): Promise<void> {
  const names = await readdir(cache)
  await Promise.all(
    names.filter((name) => name.startsWith('.new-')).map((name) => rm(join(cache, name), { recursive: true })),
  )
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}
