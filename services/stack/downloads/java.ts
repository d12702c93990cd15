/**
 * Java installations on this computer: those of JAVA_HOME, of PATH and of the usual folders, each with its major
 * version. The version comes from the `release` file that every JDK and JRE since 9 has. Only without one is `java`
 * itself run.
 */
import { execFile } from 'node:child_process'
import { access, constants, readdir, readFile, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Environment } from '#shared/config/config.ts'
import { Unavailable } from '#shared/errors.ts'

export type Java = { executable: string; major: number }

/** Kafka 4 runs on Java 17 and newer. */
export const JAVA_MAJOR_MIN = 17
const JVM_FOLDERS = ['/usr/lib/jvm', '/usr/java', '/opt/java', '/opt/jdk', '/Library/Java/JavaVirtualMachines']
const VERSION_WITHIN_MS = 10_000
const run = promisify(execFile)

/**
 * All Java installations of at least `JAVA_MAJOR_MIN`, the person's own choice (JAVA_HOME, then PATH) first. Throws
 * HR_JAVA_MISSING.
 */
export async function findJavas(env: Environment, folders: readonly string[] = JVM_FOLDERS): Promise<Java[]> {
  const found = new Map<string, Java>()
  for (const candidate of await candidates(env, folders)) {
    const executable = await executableAt(candidate)
    if (executable === undefined || found.has(executable)) continue
    const major = await majorOf(executable)
    if (major !== undefined) found.set(executable, { executable, major })
  }
  const usable = [...found.values()].filter((java) => java.major >= JAVA_MAJOR_MIN)
  if (usable.length > 0) return usable
  const old = [...found.values()].map((java) => `${java.executable} is Java ${java.major}`).join(', ')
  throw new Unavailable(
    'HR_JAVA_MISSING',
    `no Java ${JAVA_MAJOR_MIN} or newer found${old === '' ? '' : ` (${old})`}: Kafka and the registry need one`,
    {
      hint: 'install a JRE (`apt install openjdk-21-jre-headless`, macOS: `brew install openjdk`) or set JAVA_HOME',
    },
  )
}

async function candidates(env: Environment, folders: readonly string[]): Promise<string[]> {
  const ofHome = env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java')] : []
  const ofPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const ofFolders = await Promise.all(folders.map(machinesBelow))
  return [...ofHome, ...ofPath.map((folder) => join(folder, 'java')), ...ofFolders.flat()]
}

async function machinesBelow(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).sort()
    return names.flatMap((name) => [
      join(folder, name, 'bin', 'java'),
      join(folder, name, 'Contents', 'Home', 'bin', 'java'),
    ])
  } catch {
    return []
  }
}

async function executableAt(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path)
    await access(real, constants.X_OK)
    return real
  } catch {
    return undefined
  }
}

async function majorOf(executable: string): Promise<number | undefined> {
  const release = await readFile(join(dirname(dirname(executable)), 'release'), 'utf8').catch(() => '')
  return majorIn(/^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1]) ?? (await askMajor(executable))
}

async function askMajor(executable: string): Promise<number | undefined> {
  try {
    const { stderr, stdout } = await run(executable, ['-version'], { timeout: VERSION_WITHIN_MS })
    return majorIn(/version "([^"]+)"/.exec(`${stderr}${stdout}`)?.[1])
  } catch {
    return undefined
  }
}

/** '17.0.15' is 17; the old scheme '1.8.0_392' is 8. */
export function majorIn(version: string | undefined): number | undefined {
  const match = /^(?:1\.)?(\d+)/.exec(version ?? '')
  return match === null ? undefined : Number(match[1])
}
