/**
 * Writes facts for people as offset metadata of a group without members. It never blocks the work: there is one request
 * per topic, and the latest text of a place replaces an earlier one. What Kafka refused is retried later. Only a pause
 * that the API asked for is decided by a note, so notes need no transaction. A zombie's note is overwritten by the next
 * one of its successor.
 */
import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Kafka } from '../kafka/kafka.ts'
import type { Log } from '../log.ts'

export type Notes = {
  /** Returns at once. */
  put(topic: string, partition: number, metadata: string): void
  /** Resolves when all pending notes are written or refused, after `withinMs` at the latest. */
  written(withinMs: number): Promise<void>
  /** By partition; empty where nothing is known. Throws Kafka's error. */
  read(topic: string): Promise<string[]>
  /** Writes again what would otherwise expire. It is cheap and meant to be called often. */
  refresh(): void
  /** Forgets the other places: their new owner writes them. */
  retain(isMine: (topic: string, partition: number) => boolean): void
  close(): void
}

export type NotesTools = { kafka: Pick<Kafka, 'committed' | 'storeOffsets'>; group: string; clock: Clock; log: Log }

/** After a refusal. */
const TRY_AGAIN_MS = 10_000
/** Kafka drops what a group without members has committed after a week (offsets.retention.minutes). */
const REFRESH_MS = 24 * 3_600_000

type Note = { metadata: string; putMs: number; isPending: boolean }

export function createNotes({ kafka, group, clock, log }: NotesTools): Notes {
  const topics = new Map<string, Map<number, Note>>()
  const closing = new AbortController()
  let writing: Promise<void> | null = null
  /** Topics that Kafka refused, until they are tried again. */
  const refused = new Set<string>()
  const told = new Set<string>()

  function put(topic: string, partition: number, metadata: string): void {
    const notes = topics.get(topic) ?? new Map<number, Note>()
    topics.set(topic, notes.set(partition, { metadata, putMs: clock.elapsedMs(), isPending: true }))
    start()
  }

  function start(): void {
    if (writing !== null || closing.signal.aborted || !hasPending()) return
    writing = writeAll().finally(() => {
      writing = null
      start()
    })
  }

  const pendingOf = (notes: ReadonlyMap<number, Note>) => [...notes].filter(([, { isPending }]) => isPending)
  const hasPending = () => [...topics].some(([topic, notes]) => !refused.has(topic) && pendingOf(notes).length > 0)

  async function writeAll(): Promise<void> {
    for (const [topic, notes] of topics) {
      const pending = pendingOf(notes)
      if (pending.length === 0 || refused.has(topic)) continue
      for (const [, note] of pending) note.isPending = false
      try {
        // The offset has no meaning here, but Kafka requires one.
        await kafka.storeOffsets(
          group,
          topic,
          new Map(pending.map(([partition, { metadata }]) => [partition, { offset: 0, metadata }])),
        )
        told.delete(topic)
      } catch (error) {
        for (const [, note] of pending) note.isPending = true
        if (!told.has(topic))
          log.warn({ err: error, group, topic }, `cannot store for status, trying again: ${messageOf(error)}`)
        told.add(topic)
        if (refused.size === 0) tryAgain()
        refused.add(topic)
      }
    }
  }

  function tryAgain(): void {
    clock.sleep(TRY_AGAIN_MS, closing.signal).then(
      () => {
        refused.clear()
        start()
      },
      () => undefined,
    )
  }

  return {
    put,
    async written(withinMs) {
      const late = new AbortController()
      const end = clock.sleep(withinMs, late.signal).catch(() => undefined)
      let isLate = false
      void end.then(() => {
        isLate = true
      })
      while (writing !== null && !isLate) await Promise.race([writing, end])
      late.abort()
    },
    read: async (topic) => (await kafka.committed(group, topic)).map((each) => each?.metadata ?? ''),
    refresh() {
      const oldMs = clock.elapsedMs() - REFRESH_MS
      for (const [topic, notes] of topics)
        for (const [partition, { metadata, putMs }] of notes)
          if (metadata !== '' && putMs < oldMs) put(topic, partition, metadata)
    },
    retain(isMine) {
      for (const [topic, notes] of topics)
        for (const partition of [...notes.keys()]) if (!isMine(topic, partition)) notes.delete(partition)
    },
    close: () => closing.abort(),
  }
}
