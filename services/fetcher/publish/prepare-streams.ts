/**
 * Prepares all streams that a fetcher runs. A stream that cannot be prepared (a refused schema, missing rights on its
 * topic, a missing secret of its source) does not stop the others. It is reported, counts as failed, and a service
 * retries it. Only if none can be prepared is there nothing to run.
 */
import type { Clock } from '#shared/clock.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { HeadraceError } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import type { Client } from '../http/client.ts'
import type { Prepared } from './prepare-stream.ts'

export type Unusable = { stream: Stream; error: unknown }

export type PrepareAllTools = {
  prepare(stream: Stream): Promise<Prepared>
  /** Throws WrongUse for a missing secret. */
  createClient(source: Source): Client
}

export type PreparedStreams = { prepared: Prepared[]; clients: Map<Source, Client>; unusable: Unusable[] }

/** How often a service retries streams that could not be prepared. */
export const PREPARE_AGAIN_MS = 30_000

/** Rethrows an unexpected error, since that is a defect. */
export async function prepareStreams(streams: readonly Stream[], tools: PrepareAllTools): Promise<PreparedStreams> {
  const results = await Promise.all(streams.map((stream) => outcomeOf(() => tools.prepare(stream))))
  const clients = new Map<Source, Client>()
  const broken = new Map<Source, unknown>()
  for (const source of new Set(streams.map((stream) => stream.source))) {
    const client = await outcomeOf(async () => tools.createClient(source))
    if ('value' in client) clients.set(source, client.value)
    else broken.set(source, client.error)
  }
  const prepared: Prepared[] = []
  const unusable: Unusable[] = []
  for (const [index, stream] of streams.entries()) {
    const result = results[index]
    if (result !== undefined && 'value' in result && !broken.has(stream.source)) prepared.push(result.value)
    else
      unusable.push({
        stream,
        error: result !== undefined && 'error' in result ? result.error : broken.get(stream.source),
      })
  }
  return { prepared, clients, unusable }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof HeadraceError) return { error }
    throw error
  }
}

export type AgainTools = {
  clock: Clock
  log: Log
  signal: AbortSignal
  attempt(streams: readonly Stream[]): Promise<PreparedStreams>
  onFailed(all: readonly Unusable[]): void
}

/** Resolves when one of them can be prepared; rejects when the signal aborts. */
export async function untilUsable(
  unusable: readonly Unusable[],
  { clock, log, signal, attempt, onFailed }: AgainTools,
): Promise<void> {
  for (;;) {
    await clock.sleep(PREPARE_AGAIN_MS, signal)
    const now = await attempt(unusable.map(({ stream }) => stream))
    await Promise.all([...now.clients.values()].map((client) => client.close()))
    onFailed(now.unusable)
    if (now.prepared.length === 0) continue
    log.info({ streams: now.prepared.map(({ stream }) => stream.label) }, 'streams can be prepared now; starting them')
    return
  }
}
