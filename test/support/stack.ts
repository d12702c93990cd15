/**
 * The servers that tests use. `testStack` is the one of the runner (HEADRACE_TEST_STACK), or, for a test file that is
 * run alone, one in `.headrace/test` that is started when needed and stays. All tests share it: names of topics, groups
 * and databases start with a `uniquePrefix`. A test that kills servers takes `ownStack`, which ends with the test's
 * process at the latest.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import type { Environment } from '#shared/config/config.ts'
import { silentLog } from '#shared/log.ts'
import { type Stack, type StackFile, stackUp } from '../../services/stack/stack.ts'

export type TestStack = {
  /** host:port, as in KAFKA_BROKERS. */
  brokers: string
  registryUrl: string
  clickhouseUrl: string
  /** The environment that `readConfig` takes: addresses, PATH and HOME, and what the test adds. */
  env(overrides?: Record<string, string>): Record<string, string>
}

export type OwnStack = TestStack & Pick<Stack, 'dir' | 'kill' | 'stop' | 'start'> & { remove(): Promise<void> }

const ALONE_DIR = resolve(import.meta.dirname, '..', '..', '.headrace', 'test')
const PREFIX_DIGITS = 8

/**
 * Settings of topics whose records carry the times of a test: retention goes by those, and the broker looks every five
 * minutes, so that a topic of last week would be emptied in the middle of a test, now and then.
 */
export const KEPT = { 'retention.ms': '-1' }
/** The same for the topics that Headrace makes: a hundred years. */
const RETENTION_MS = String(100 * 365 * 86_400_000)

let shared: Promise<TestStack> | undefined

/** Its folder, for commands that look for a local stack. */
export const testStackDir = (): string => process.env.HEADRACE_TEST_STACK || ALONE_DIR

/** The stack that all tests of a run share; started at the first call of a file that is run alone. */
export function testStack(): Promise<TestStack> {
  shared ??= findStack(process.env)
  return shared
}

/**
 * A private stack in a temporary folder; `remove` ends it and removes the folder. Takes ~10 s: one a file, not one a
 * test.
 */
export async function ownStack(): Promise<OwnStack> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-own-'))
  const stack = await stackUp({ dir, log: silentLog, clock: systemClock, env: process.env, owned: true })
  const remove = async () => {
    await stack.down()
    await rm(dir, { recursive: true, force: true })
  }
  return { ...testStackOf(stack.addresses), dir, kill: stack.kill, stop: stack.stop, start: stack.start, remove }
}

/** A name that no other test uses: lower-case letters and digits, so it fits topics, groups, subjects and databases. */
export function uniquePrefix(): string {
  let digits = ''
  while (digits.length < PREFIX_DIGITS) digits += Math.floor(systemClock.random() * 36).toString(36)
  return `t${digits}`
}

async function findStack(env: Environment): Promise<TestStack> {
  const dir = env.HEADRACE_TEST_STACK
  if (dir) return testStackOf(JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8')))
  const onProgress = (line: string) => process.stderr.write(`${line}\n`)
  return testStackOf((await stackUp({ dir: ALONE_DIR, log: silentLog, clock: systemClock, env, onProgress })).addresses)
}

function testStackOf({ kafka, registry, clickhouse }: StackFile): TestStack {
  const addresses = { KAFKA_BROKERS: kafka.brokers, SCHEMA_REGISTRY_URL: registry.url, CLICKHOUSE_URL: clickhouse.url }
  const inherited = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', KAFKA_RETENTION_MS: RETENTION_MS }
  return {
    brokers: kafka.brokers,
    registryUrl: registry.url,
    clickhouseUrl: clickhouse.url,
    env: (overrides = {}) => ({ ...inherited, ...addresses, ...overrides }),
  }
}
