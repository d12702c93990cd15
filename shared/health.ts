/**
 * The readiness of a service. /readyz is 200 while Kafka and the registry accept this worker. An API that is down, or a
 * table that takes no rows, blocks no rollout: it is reported in the body. /readyz is 503, with the reason, until each
 * has accepted this worker once, and later when one refuses it or has not answered for `UNREADY_AFTER_MS`.
 */
import type { Clock } from './clock.ts'
import { HeadraceError, messageOf, Unavailable } from './errors.ts'
import type { Kafka } from './kafka/kafka.ts'
import type { Registry } from './schema/registry.ts'

export type Readiness = { ready: boolean; reason?: string; [more: string]: unknown }

export type Health = {
  /** The start is over. */
  ready(): void
  /** A reason ends readiness for good: the process is about to end. */
  stop(reason: string): void
  /** Called for each request to /readyz: the body, and why this worker is refused, if it is. */
  show(report: () => Report): void
  readiness(): Readiness
}

export type Report = { refusal: string | null; body: Record<string, unknown> }

const STARTING = 'starting'

export function createHealth(): Health {
  let state: { ready: boolean; reason?: string } = { ready: false, reason: STARTING }
  let report: () => Report = () => ({ refusal: null, body: {} })
  return {
    ready: () => {
      if (state.reason === STARTING) state = { ready: true }
    },
    stop: (reason) => {
      state = { ready: false, reason }
    },
    show: (next) => {
      report = next
    },
    readiness() {
      const { refusal, body } = report()
      const isOver = !state.ready && state.reason !== STARTING
      if (refusal === null || isOver) return { ...state, ...body }
      return { ready: false, reason: refusal, ...body }
    },
  }
}

/** A server that is asked periodically whether it accepts this worker. */
export type Probe = { name: string; ask(): Promise<unknown> }

/** A subject of no stream: the registry answers that it does not exist, or it does not answer. */
export const NO_SUBJECT = 'headrace'

/** Whether Kafka and the registry accept a worker of this group. */
export const workerProbes = (
  kafka: Pick<Kafka, 'members'>,
  group: string,
  registry: Pick<Registry, 'latest'>,
): Probe[] => [
  { name: 'Kafka', ask: () => kafka.members(group) },
  { name: 'the schema registry', ask: () => registry.latest(NO_SUBJECT) },
]

/** A server that has not answered for this long counts as down. Transient failures are over by then. */
export const UNREADY_AFTER_MS = 30_000
export const PROBE_EVERY_MS = 5_000
const PROBE_DEADLINE_MS = 10_000

/** Returns why this worker is not accepted, or null while it is. Polls from now on, until the signal aborts. */
export function watchServers(probes: readonly Probe[], clock: Clock, signal: AbortSignal): () => string | null {
  const states = probes.map(() => ({ answeredMs: null as number | null, error: null as unknown }))

  async function watch({ name, ask }: Probe, state: (typeof states)[number]): Promise<void> {
    for (;;) {
      try {
        await bounded(clock, name, ask())
        state.answeredMs = clock.elapsedMs()
        state.error = null
      } catch (error) {
        state.error = error
      }
      await clock.sleep(PROBE_EVERY_MS, signal)
    }
  }
  for (const [index, probe] of probes.entries()) {
    const state = states[index]
    if (state !== undefined) watch(probe, state).catch(() => undefined)
  }

  return () => {
    for (const [index, { answeredMs, error }] of states.entries()) {
      const name = probes[index]?.name ?? ''
      if (isRefusal(error)) return `${name} does not accept this worker: ${messageOf(error)}`
      if (answeredMs === null) return `${name} has not answered yet${error === null ? '' : `: ${messageOf(error)}`}`
      const silentMs = clock.elapsedMs() - answeredMs
      if (error !== null && silentMs > UNREADY_AFTER_MS)
        return `${name} has not answered for ${Math.round(silentMs / 1000)} s: ${messageOf(error)}`
    }
    return null
  }
}

async function bounded(clock: Clock, name: string, asked: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const deadline = clock.sleep(PROBE_DEADLINE_MS, late.signal).then(() => {
    throw new Unavailable('HR_NO_ANSWER', `${name} has not answered for ${PROBE_DEADLINE_MS / 1000} s`)
  })
  deadline.catch(() => undefined)
  asked.catch(() => undefined)
  try {
    await Promise.race([asked, deadline])
  } finally {
    late.abort()
  }
}

/** A server that answers and does not accept this worker: waiting does not change that. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof HeadraceError && /_REFUSED$|_TLS$|_ACL$/.test(error.code) && /^HR_(KAFKA|REGISTRY)/.test(error.code)
