/**
 * Which unknown fields of a stream were logged before, over restarts and for all its fetchers. Otherwise a run that a
 * timer starts every minute would log them every minute. They are kept as short hashes, as metadata of a group that
 * nobody joins. A failure to read or store them costs a repeated line, nothing else.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { HeadraceError } from '#shared/errors.ts'
import { AccessDenied, type Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Names } from '#shared/names.ts'
import { createNotes } from '#shared/progress/notes.ts'

export type ReportedFields = {
  /** Reads the stored names, once for all partitions. */
  ready(): Promise<void>
  has(name: string): boolean
  add(names: readonly string[]): void
}

export type AllReportedFields = {
  of(stream: Stream): ReportedFields
  /** Stores the remaining names, within a bounded time. */
  close(): Promise<void>
}

export type ReportedFieldsTools = {
  kafka: Pick<Kafka, 'committed' | 'storeOffsets'>
  names: Names
  clock: Clock
  log: Log
}

/** Two names with the same hash count as one: among 500 names, once in 30,000. */
const HASH_BYTES = 3
/** Keeps the newest; 2,000 characters, where Kafka takes 4,096 bytes. */
const HASHES_MAX = 500
const WRITE_LAST_MS = 5_000
/** One text per stream, for all workers that fetch its partitions. */
const PARTITION = 0

const stored = z.object({ v: z.literal(1), told: z.string() })

export function createReportedFields({ kafka, names, clock, log }: ReportedFieldsTools): AllReportedFields {
  const notes = createNotes({ kafka, group: names.reportedFieldsGroup, clock, log })
  const streams = new Map<Stream, ReportedFields>()
  let storing: Promise<void> = Promise.resolve()

  function open(stream: Stream): ReportedFields {
    const topic = names.records({ source: stream.source.name, stream: stream.name })
    let reported = new Set<string>()
    let reading: Promise<void> | null = null
    let isDenialLogged = false

    /** Others may have added theirs meanwhile. False: Kafka could not be read. */
    async function read(): Promise<boolean> {
      try {
        reported = new Set([...hashesIn((await notes.read(topic))[PARTITION] ?? ''), ...reported])
        return true
      } catch (error) {
        if (!(error instanceof HeadraceError)) throw error
        const level = error instanceof AccessDenied && !isDenialLogged ? 'warn' : 'debug'
        isDenialLogged ||= level === 'warn'
        log[level]({ err: error, stream: stream.label }, 'cannot read which unknown fields were named before')
        return false
      }
    }

    /** Includes the names that were read: Kafka drops metadata that is not stored again for a week. */
    const store = () =>
      notes.put(topic, PARTITION, JSON.stringify({ v: 1, told: [...reported].slice(-HASHES_MAX).join('') }))

    async function readFirst(): Promise<void> {
      if (!(await read())) reading = null
      else if (reported.size > 0) store()
    }

    return {
      ready() {
        reading ??= readFirst()
        return reading
      },
      has: (name) => reported.has(hashOf(name)),
      add(added) {
        notes.refresh()
        if (added.length === 0) return
        for (const name of added) reported.add(hashOf(name))
        storing = storing
          .then(read)
          .then(store)
          .catch((error) =>
            log.error({ err: error, stream: stream.label }, 'which unknown fields were named is not stored'),
          )
      },
    }
  }

  return {
    of(stream) {
      const known = streams.get(stream) ?? open(stream)
      streams.set(stream, known)
      return known
    },
    async close() {
      const late = new AbortController()
      await Promise.race([storing, clock.sleep(WRITE_LAST_MS, late.signal).catch(() => undefined)])
      late.abort()
      await notes.written(WRITE_LAST_MS)
      notes.close()
    },
  }
}

const hashOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, HASH_BYTES).toString('base64')

const HASH_CHARS = 4

function hashesIn(text: string): string[] {
  try {
    const parsed = stored.safeParse(JSON.parse(text))
    return parsed.success ? (parsed.data.told.slice(-HASHES_MAX * HASH_CHARS).match(/.{4}/g) ?? []) : []
  } catch {
    return []
  }
}
