/**
 * The options of the stack, and the names that all its files use: the three servers, their ports, and the paths of one
 * stack. Everything of a stack lies below its folder; only downloads are shared, in the cache folder.
 */
import { join, resolve } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import type { Environment } from '#shared/config/config.ts'
import { INSTALLATION_DIR, IS_CHECKOUT } from '#shared/installation.ts'
import type { Log } from '#shared/log.ts'

export const SERVER_NAMES = ['kafka', 'registry', 'clickhouse'] as const
export type ServerName = (typeof SERVER_NAMES)[number]

export const PORT_NAMES = ['kafka', 'kafkaController', 'registry', 'clickhouse'] as const
export type PortName = (typeof PORT_NAMES)[number]
export type Ports = Record<PortName, number>

export type StackOptions = {
  /** The stack's folder; absolute, or relative to the working directory. */
  dir: string
  log: Log
  clock: Clock
  /** The process environment, read by the caller: JAVA_HOME and PATH are used, children inherit all of it. */
  env: Environment
  /** One line for a person at each step. */
  onProgress?: ((line: string) => void) | undefined
  /** True: the servers end when this process does, however it ends. False: they run until `stackDown`. */
  owned?: boolean | undefined
  /** Fixed ports; one that is taken is an error. Other ports are chosen, and kept for the next start. */
  ports?: Partial<Ports> | undefined
  /** Downloads, shared by stacks; `.headrace/cache` by default. */
  cacheDir?: string | undefined
  /** On abort, a start in progress ends what it started and throws the signal's reason. */
  signal?: AbortSignal | undefined
  /** Folders to search for Java installations, instead of the usual ones. */
  jvmFolders?: readonly string[] | undefined
}

/** How a server is started. */
export type Launch = { command: string; args: string[]; env: Record<string, string>; stopWithinMs: number }

/** Shared by the stacks of a checkout, or of the folder that the package is used in. */
const CACHE_DIR = resolve(IS_CHECKOUT ? INSTALLATION_DIR : '.', '.headrace', 'cache')

export type Paths = ReturnType<typeof pathsOf>

/** The paths of one stack. */
export function pathsOf(options: Pick<StackOptions, 'dir' | 'cacheDir'>) {
  const dir = resolve(options.dir)
  return {
    dir,
    cache: resolve(options.cacheDir ?? CACHE_DIR),
    stackFile: join(dir, 'stack.json'),
    portsFile: join(dir, 'run', 'ports.json'),
    lock: join(dir, 'run', 'lock'),
    run: join(dir, 'run'),
    log: (name: ServerName) => join(dir, 'logs', `${name}.log`),
    pidFile: (name: ServerName) => join(dir, 'run', `${name}.json`),
    data: (name: ServerName) => join(dir, 'data', name),
  }
}
