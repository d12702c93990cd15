/**
 * Services over many quiet streams: an API with one record for each partition, which never changes, and the start of a
 * service until it is ready.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { SECOND_MS } from '#shared/units.ts'
import { freePorts } from '../services/stack/free-ports.ts'
import { type Child, CLI, startChild } from './child.ts'
import { rounded } from './numbers.ts'
import type { Bench } from './place.ts'

const LOOK_EVERY_MS = 100
const READY_WITHIN_MS = 10 * 60_000

/** Resolves when /readyz is 200; `seconds` until then. */
export async function started(
  bench: Bench,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ child: Child; seconds: number }> {
  const [port] = await freePorts(1, systemClock)
  const startMs = systemClock.elapsedMs()
  const child = startChild({
    ...{ name, args: [CLI, ...args], logDir: bench.logDir },
    env: { ...env, HEADRACE_HTTP_PORT: String(port) },
  })
  try {
    await until(`${name} is ready`, async () => (await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200)
    return { child, seconds: rounded((systemClock.elapsedMs() - startMs) / SECOND_MS, 1) }
  } catch (error) {
    bench.say(child.lastLines())
    await child.stop()
    throw error
  }
}

/** Null while nothing listens. */
async function statusOf(url: string): Promise<number | null> {
  try {
    const { status, body } = await fetch(url)
    await body?.cancel()
    return status
  } catch {
    return null
  }
}

export async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.elapsedMs() + READY_WITHIN_MS
  while (!(await done())) {
    if (systemClock.elapsedMs() > endMs)
      throw new Stopped('HR_BENCH_IDLE', `not within ${READY_WITHIN_MS / SECOND_MS} s: ${what}`)
    await systemClock.sleep(LOOK_EVERY_MS)
  }
}

/** One record for each partition, which never changes. */
export async function startQuietApi(): Promise<{ url: string; requests(): number; close(): void }> {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://idle')
    const record = { id: `${pathname}/${searchParams.get('part')}`, updated_at: '2026-01-01T00:00:00Z' }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ data: [record] }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    close: () => server.close(),
  }
}
