/**
 * What stands around the loaders in the model: the log, the table, the dead letters, the group's commits, and time. Everything that a loader waits
 * for is an operation that the driver ends when and how it likes; nothing happens by itself. Each commit that is applied is checked against
 * the log, so a commit that passes an unresolved record is found at the moment that it is made.
 */
import assert from 'node:assert/strict'
import type { PartitionCommit } from '../../../services/loader/settle.ts'
import { parseCommit } from '../../../shared/checkpoint.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { Committed, RawMessage } from '../../../shared/kafka.ts'
import { frame, MARKER_HEADER } from '../../../shared/wire.ts'
import { markerOf } from '../../support/published.ts'
import { between } from '../../support/random.ts'

export const TOPICS = ['model.shop.orders', 'model.shop.items'] as const
export const PARTITIONS = 2
export const SCHEMA_ID = 1
const STARTED_MS = 1_700_000_000_000

/** `row`: fits. `refused`: ClickHouse refuses it, and the schema says so or not. `frame`: no frame at all. */
type Kind = 'row' | 'refusedBySchema' | 'refused' | 'frame' | 'marker'
export type Entry = { kind: Kind; message: RawMessage; watermark: string | null; records: number }

/** Something that a loader waits for. `act` ends it; how, it draws itself. */
export type Operation = { what: string; act(): void }
type Timer = { life: Life; atMs: number; wake(): void }
/** One process. What it has asked for may still happen after its end, but it does nothing more. */
export type Life = { world: World; alive: boolean }

export type World = {
  random: () => number
  logs: Map<string, Entry[]>
  ends: Map<string, number>
  committed: Map<string, Committed>
  /** Places (`topic/partition/offset`) of confirmed rows, and of letters that the topic has. */
  table: Set<string>
  letters: Set<string>
  operations: Operation[]
  timers: Set<Timer>
  nowMs: number
  /** False: everything that is asked succeeds from now on. */
  hostile: boolean
  commits: number
  /** What a loader ended with: always a defect. */
  failures: unknown[]
}

export const placeOf = (topic: string, partition: number | string): string => `${topic}/${partition}`
export const places = (): string[] =>
  TOPICS.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => placeOf(topic, partition)))

export function createWorld(random: () => number): World {
  return {
    random,
    logs: new Map(places().map((place) => [place, []])),
    ends: new Map(places().map((place) => [place, 0])),
    committed: new Map(),
    table: new Set(),
    letters: new Set(),
    operations: [],
    timers: new Set(),
    nowMs: 0,
    hostile: true,
    commits: 0,
    failures: [],
  }
}

export function clockOf(life: Life): Clock {
  const { world } = life
  return {
    nowMs: () => STARTED_MS + world.nowMs,
    elapsedMs: () => world.nowMs,
    random: world.random,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const timer: Timer = { life, atMs: world.nowMs + ms, wake: resolve }
        signal?.addEventListener('abort', () => {
          world.timers.delete(timer)
          reject(signal.reason)
        })
        world.timers.add(timer)
      })
    },
  }
}

/** Something with a result that a process waits for. */
export function asked<T>(life: Life, what: string, act: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    life.world.operations.push({
      what,
      act() {
        try {
          const value = act()
          if (life.alive) resolve(value)
        } catch (error) {
          if (life.alive) reject(error)
        }
      },
    })
  })
}

/** The end of a process, as kill -9 makes it. */
export function kill(life: Life): void {
  life.alive = false
  for (const timer of life.world.timers) if (timer.life === life) life.world.timers.delete(timer)
}

/** The earliest timer; false when nobody waits for the time. */
export function passTime(world: World): boolean {
  let next: Timer | null = null
  for (const timer of world.timers) if (next === null || timer.atMs < next.atMs) next = timer
  if (next === null) return false
  world.timers.delete(next)
  world.nowMs = Math.max(world.nowMs, next.atMs)
  next.wake()
  return true
}

/** Ends one operation, any. */
export function endOperation({ operations, random }: World): boolean {
  if (operations.length === 0) return false
  const [operation] = operations.splice(between(random, 0, operations.length - 1), 1)
  operation?.act()
  return true
}

const PAGE_RECORDS_MAX = 6
const BAD_SHARE = 0.04

/** A page of records and its marker; now and then without a watermark, with offsets that no reader sees behind it. */
export function publishPage(world: World, place: string, page: number): void {
  const { random } = world
  const log = world.logs.get(place) as Entry[]
  let offset = world.ends.get(place) as number
  const add = (kind: Kind, value: Buffer | null, watermark: string | null = null, records = 0) => {
    const marker = JSON.stringify({ ...markerOf(page, records, STARTED_MS), watermark })
    const message: RawMessage = { offset: String(offset), timestamp: String(STARTED_MS + page), key: null, value }
    if (kind === 'marker') message.headers = { [MARKER_HEADER]: Buffer.from(marker) }
    log.push({ kind, message, watermark, records })
    offset += 1
  }
  const records = between(random, 0, PAGE_RECORDS_MAX)
  for (let n = 0; n < records; n++) {
    const bad = random() < BAD_SHARE ? random() : 1
    if (bad < 0.3) add('frame', Buffer.from([9, 9]))
    else if (bad < 0.6) add('refused', frame(SCHEMA_ID, `{"id":"${offset}","refused":"clickhouse"}`))
    else if (bad < 1) add('refusedBySchema', frame(SCHEMA_ID, `{"id":"${offset}","refused":"schema"}`))
    else add('row', frame(SCHEMA_ID, `{"id":"${offset}"}`))
  }
  add('marker', null, random() < 0.7 ? String(page).padStart(6, '0') : null, records)
  // The end of a transaction takes an offset too.
  world.ends.set(place, offset + between(random, 0, 1))
}

/** What the group takes as committed, after the check that nothing unresolved lies before it. */
export function applyCommit(world: World, commits: readonly PartitionCommit[]): void {
  for (const { topic, partition, offset, metadata } of commits) {
    const place = placeOf(topic, partition)
    const before = world.committed.get(place)
    assert.ok(before === undefined || before.offset <= offset, `${place}: committed ${offset} after ${before?.offset}`)
    assert.ok(offset <= (world.ends.get(place) as number), `${place}: committed ${offset}, behind the log's end`)
    let watermark: string | null = null
    let open = 0
    for (const entry of world.logs.get(place) as Entry[]) {
      if (Number(entry.message.offset) >= offset) break
      open += 1
      if (entry.kind === 'marker') {
        watermark = entry.watermark ?? watermark
        open = 0
      } else {
        const at = `${place}/${entry.message.offset}`
        const where = entry.kind === 'row' ? world.table : world.letters
        assert.ok(where.has(at), `${place}: committed ${offset}, and ${at} (${entry.kind}) is in neither table nor dead letters`)
      }
    }
    const commit = parseCommit(offset, metadata)
    assert.equal(commit?.watermark, watermark, `${place}: the watermark of the commit at ${offset}`)
    assert.equal(commit?.open, open, `${place}: records counted since the last marker at ${offset}`)
    world.committed.set(place, { offset, metadata })
    world.commits += 1
  }
}
