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
/** `again`: the same record, published anew because the log had lost this one. */
export type Entry = { kind: Kind; message: RawMessage; watermark: string | null; records: number; again?: Entry }

/** Something that a loader waits for. `act` ends it; how, it draws itself. */
export type Operation = { what: string; act(): void }
type Timer = { life: Life; atMs: number; wake(): void }
/** One process. What it has asked for may still happen after its end, but it does nothing more. */
export type Life = { world: World; alive: boolean }

export type World = {
  random: () => number
  logs: Map<string, Entry[]>
  ends: Map<string, number>
  /** Retention has taken what is below; up to where the API was asked again for it. */
  lows: Map<string, number>
  covered: Map<string, number>
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
    lows: new Map(places().map((place) => [place, 0])),
    covered: new Map(places().map((place) => [place, 0])),
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
  const records = Array.from({ length: between(random, 0, PAGE_RECORDS_MAX) }, (): Kind => {
    const bad = random() < BAD_SHARE ? random() : 1
    return bad < 0.3 ? 'frame' : bad < 0.6 ? 'refused' : bad < 1 ? 'refusedBySchema' : 'row'
  })
  append(world, place, page, records, random() < 0.7)
}

function append(world: World, place: string, page: number, kinds: readonly Kind[], isSafe: boolean): Entry[] {
  const log = world.logs.get(place) as Entry[]
  const from = world.ends.get(place) as number
  const watermark = isSafe ? String(page).padStart(6, '0') : null
  const entries = [...kinds, 'marker' as const].map((kind, index): Entry => {
    const offset = String(from + index)
    const message: RawMessage = { offset, timestamp: String(STARTED_MS + page), key: null, value: bytesOf(kind, offset) }
    if (kind !== 'marker') return { kind, message, watermark: null, records: 0 }
    const facts = { ...markerOf(page, kinds.length, STARTED_MS), watermark, coveredBelow: world.covered.get(place) }
    message.headers = { [MARKER_HEADER]: Buffer.from(JSON.stringify(facts)) }
    return { kind, message, watermark, records: kinds.length }
  })
  log.push(...entries)
  // The end of a transaction takes an offset too.
  world.ends.set(place, from + entries.length + between(world.random, 0, 1))
  return entries
}

function bytesOf(kind: Kind, offset: string): Buffer | null {
  if (kind === 'marker') return null
  if (kind === 'frame') return Buffer.from([9, 9])
  const refused = { row: '', refused: ',"refused":"clickhouse"', refusedBySchema: ',"refused":"schema"' }[kind]
  return frame(SCHEMA_ID, `{"id":"${offset}"${refused}}`)
}

/** Retention takes the beginning of the log, read or not. */
export function truncate({ lows, ends, random }: World, place: string): void {
  lows.set(place, between(random, lows.get(place) as number, ends.get(place) as number))
}

/** The fetcher sees that records are gone before they were loaded, and publishes them again. False when it has no reason to. */
export function cover(world: World, place: string, page: number): boolean {
  const low = world.lows.get(place) as number
  const committed = world.committed.get(place)
  const lost = committed === undefined ? null : (parseCommit(committed.offset, committed.metadata)?.lost ?? null)
  const seen = Math.max((committed?.offset ?? 0) < low ? low : 0, lost?.below ?? 0)
  if (seen <= (world.covered.get(place) as number)) return false
  const gone = (world.logs.get(place) as Entry[]).filter((entry) => isGone(world, place, entry) && !isResolved(world, place, entry))
  const still = gone.filter(({ again }) => again === undefined || isGone(world, place, again))
  world.covered.set(place, low)
  const anew = append(
    world,
    place,
    page,
    still.map(({ kind }) => kind),
    true,
  )
  for (const [index, entry] of still.entries()) entry.again = anew[index] as Entry
  return true
}

const isGone = ({ lows }: World, place: string, { kind, message }: Entry): boolean =>
  kind !== 'marker' && Number(message.offset) < (lows.get(place) as number)

/** In the table or the dead letters, itself or as it was published again. */
export function isResolved(world: World, place: string, entry: Entry): boolean {
  for (let one: Entry | undefined = entry; one !== undefined; one = one.again) {
    const where = one.kind === 'row' ? world.table : world.letters
    if (one.kind === 'marker' || where.has(`${place}/${one.message.offset}`)) return true
  }
  return false
}

/** What the group takes as committed, after the check that nothing unresolved lies before it. */
export function applyCommit(world: World, commits: readonly PartitionCommit[]): void {
  for (const { topic, partition, offset, metadata } of commits) {
    const place = placeOf(topic, partition)
    const before = world.committed.get(place)
    assert.ok(before === undefined || before.offset <= offset, `${place}: committed ${offset} after ${before?.offset}`)
    assert.ok(offset <= (world.ends.get(place) as number), `${place}: committed ${offset}, behind the log's end`)
    const commit = parseCommit(offset, metadata)
    const lost = commit?.lost
    const passed = before === undefined || parseCommit(before.offset, before.metadata)?.lost !== undefined ? 0 : before.offset
    assert.ok(lost === undefined || lost.below > passed, `${place}: committed ${offset}, with a loss below ${passed}, where there was none`)
    let watermark: string | null = null
    let open = 0
    let unresolved: string | null = null
    for (const entry of world.logs.get(place) as Entry[]) {
      const at = Number(entry.message.offset)
      if (at >= offset) break
      open += 1
      if (entry.kind === 'marker') {
        watermark = entry.watermark ?? watermark
        open = 0
        const claimed = commit?.watermark != null && entry.watermark === commit.watermark
        assert.ok(!claimed || unresolved === null, `${place}: the watermark at ${offset} is that of ${at}, and ${unresolved} is not there`)
      } else if (!isResolved(world, place, entry)) {
        unresolved = `${place}/${at} (${entry.kind})`
        const said = isGone(world, place, entry) && lost !== undefined && lost.from <= at && at < lost.below
        assert.ok(said, `${place}: committed ${offset}, and ${unresolved} is in neither table nor dead letters`)
      }
    }
    // Where the log has lost something, nobody knows how much of a page is left, and watermarks wait.
    if (world.lows.get(place) === 0) {
      assert.equal(commit?.watermark, watermark, `${place}: the watermark of the commit at ${offset}`)
      assert.equal(commit?.open, open, `${place}: records counted since the last marker at ${offset}`)
    }
    world.committed.set(place, { offset, metadata })
    world.commits += 1
  }
}
