/**
 * What stands around the loaders in the model: the log, the table, the dead letters, the group's commits, and time.
 * Everything that a loader waits for is an operation that the driver ends when and how it likes; nothing happens by
 * itself.
 */
import type { Clock } from '#shared/clock.ts'
import type { Committed, RawMessage } from '#shared/kafka/kafka.ts'
import { between } from '../../support/random.ts'

export const TOPICS = ['model.shop.orders', 'model.shop.items'] as const
export const PARTITIONS = 2
export const SCHEMA_ID = 1
export const STARTED_MS = 1_700_000_000_000

/** `row`: fits. `refused`: ClickHouse refuses it, and the schema says so or not. `frame`: no frame at all. */
export type Kind = 'row' | 'refusedBySchema' | 'refused' | 'frame' | 'marker'
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
