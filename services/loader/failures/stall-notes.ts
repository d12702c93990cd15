/**
 * Which topics are stalled, why and since when: stored for `status`, kept over a restart, shown as a metric and in
 * /readyz. `stalls.ts` writes the log; here a note is stored once a stall has lasted a moment. The note is removed when
 * rows of the topic are committed again. Guarantees: storing notes never delays loading. Assumes one member for each
 * partition, so the partition's owner writes its note.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError } from '#shared/errors.ts'
import { AccessDenied, type Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { label, type Names } from '#shared/names.ts'
import { createNotes } from '#shared/progress/notes.ts'
import { NO_STALL, parseStall, type Stall, stallText } from '#shared/progress/stall.ts'
import { type Assigned, placeOf } from '../consume/assignment.ts'
import type { Stalls, TopicStall } from './stalls.ts'

export type StalledStream = { stream: string; reason: string; message: string; since: string }

export type StallNotes = {
  assigned(assigned: Pick<Assigned, 'topics' | 'states'>): void
  /** The same stalls, also noted for this topic. */
  watching(topic: string, stalls: Stalls): Stalls
  /** A batch of the topic was committed, or its table is ready. */
  progress(topic: string): void
  stalled(): StalledStream[]
  /** Stores the current notes, within a bounded time. */
  close(): Promise<void>
}

/** A shorter wait does not count as a stall. */
const NOTE_AFTER_MS = 2_000
/** A topic that resumed may stop again at its next step. Clearing the note at once would then give it a new `since`. */
const CLEAR_AFTER_MS = 5_000
const LOOK_MS = 500
const WRITE_LAST_MS = 5_000

type State = {
  partitions: number[]
  /** Current waits, by table or topic. */
  held: Map<string, TopicStall>
  /** Start of the current stall, in epoch milliseconds. */
  sinceMs: number | null
  /** The stored note. */
  noted: Stall | null
  /** Elapsed time of the first progress since the last wait. */
  progressMs: number | null
}

export type StallNotesTools = {
  kafka: Pick<Kafka, 'committed' | 'storeOffsets'>
  names: Names
  clock: Clock
  log: Log
  metrics: Metrics
}

export function createStallNotes({ kafka, names, clock, log, metrics }: StallNotesTools): StallNotes {
  const notes = createNotes({ kafka, group: names.stallsGroup, clock, log })
  const closing = new AbortController()
  let states = new Map<string, State>()

  function assigned({ topics, states: places }: Pick<Assigned, 'topics' | 'states'>): void {
    const before = states
    states = new Map(
      topics.map((topic) => [
        topic,
        { ...(before.get(topic) ?? NOTHING), held: new Map(), partitions: partitionsOf(topic, places) },
      ]),
    )
    notes.retain((topic, partition) => states.get(topic)?.partitions.includes(partition) ?? false)
    for (const [topic, state] of states) {
      show(topic, state)
      void restore(topic, state)
    }
    for (const topic of before.keys()) if (!states.has(topic)) show(topic, NOTHING)
  }

  async function restore(topic: string, state: State): Promise<void> {
    try {
      const stored = await notes.read(topic)
      const found = state.partitions.flatMap((partition) => parseStall(stored[partition] ?? '') ?? [])
      const [first] = found.sort((a, b) => a.sinceMs - b.sinceMs)
      if (first === undefined || states.get(topic) !== state) return
      state.noted = first
      if (state.sinceMs !== null) state.sinceMs = Math.min(state.sinceMs, first.sinceMs)
      show(topic, state)
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      const level = error instanceof AccessDenied ? 'warn' : 'debug'
      log[level]({ err: error, topic }, 'cannot read what was stalled before')
    }
  }

  function hold(topic: string, what: string, stall: TopicStall): void {
    const state = states.get(topic)
    if (state === undefined) return
    state.held.set(what, stall)
    state.sinceMs ??= state.noted?.sinceMs ?? clock.nowMs()
    state.progressMs = null
  }

  function clear(topic: string, what: string): void {
    const state = states.get(topic)
    if (state === undefined || !state.held.delete(what) || state.held.size > 0 || state.noted !== null) return
    state.sinceMs = null
  }

  function progress(topic: string): void {
    const state = states.get(topic)
    if (state === undefined || state.held.size > 0) return
    state.progressMs ??= clock.elapsedMs()
  }

  /** `now`: the loader is stopping, so a wait that has just begun counts, and progress too. */
  function update(now: boolean): void {
    for (const [topic, state] of states) {
      const [stall] = state.held.values()
      if (stall !== undefined) note(topic, state, stall, now)
      else if (
        state.noted !== null &&
        state.progressMs !== null &&
        (now || clock.elapsedMs() - state.progressMs >= CLEAR_AFTER_MS)
      ) {
        Object.assign(state, { noted: null, sinceMs: null, progressMs: null })
        write(topic, state, NO_STALL)
      }
    }
    notes.refresh()
  }

  function note(topic: string, state: State, { name: reason, message }: TopicStall, now: boolean): void {
    const sinceMs = state.sinceMs ?? clock.nowMs()
    if (state.noted?.reason === reason || (!now && state.noted === null && clock.nowMs() - sinceMs < NOTE_AFTER_MS))
      return
    state.noted = { v: 1, sinceMs, reason, message }
    write(topic, state, stallText(state.noted))
  }

  function write(topic: string, state: State, text: string): void {
    for (const partition of state.partitions) notes.put(topic, partition, text)
    show(topic, state)
  }

  function show(topic: string, { noted }: Pick<State, 'noted'>): void {
    const stream = names.streamOf(topic)
    if (stream !== null) metrics.stalledSince.set(stream, (noted?.sinceMs ?? 0) / 1000)
  }

  async function lookOften(): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_MS, closing.signal)
      update(false)
    }
  }
  lookOften().catch((error) => closing.signal.aborted || log.error({ err: error }, 'stalls are no longer stored'))

  return {
    assigned,
    watching: (topic, stalls) => ({
      hold(what, stall, of) {
        stalls.hold(what, stall, of)
        hold(topic, what, stall)
      },
      clear(what) {
        stalls.clear(what)
        clear(topic, what)
      },
      reset: stalls.reset,
      all: stalls.all,
    }),
    progress,
    stalled: () =>
      [...states].flatMap(([topic, { noted }]) => {
        const stream = names.streamOf(topic)
        if (noted === null || stream === null) return []
        const { reason, message, sinceMs } = noted
        return [{ stream: label(stream), reason, message, since: new Date(sinceMs).toISOString() }]
      }),
    async close() {
      closing.abort()
      update(true)
      await notes.written(WRITE_LAST_MS)
      notes.close()
    },
  }
}

const NOTHING: Pick<State, 'sinceMs' | 'noted' | 'progressMs'> = { sinceMs: null, noted: null, progressMs: null }

const partitionsOf = (topic: string, places: Pick<Assigned, 'states'>['states']): number[] =>
  [...places.keys()].flatMap((place) => {
    const partition = Number(place.slice(place.lastIndexOf('/') + 1))
    return placeOf(topic, partition) === place ? [partition] : []
  })
