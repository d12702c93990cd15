/**
 * Lookups of one kind that are made in the same turn of the event loop become one request. With 10,000 partitions, a
 * request for each of them takes many seconds. A lookup is only ever answered by a request that is sent after it was
 * made. So its answer is never older than the question. If a request for many fails, each is asked alone: what is wrong
 * with one topic stays with that topic.
 */
import { systemPace } from '../../clock.ts'

/** `ask` returns a value for each key, in their order. */
export type AskTogether<T> = (keys: readonly string[]) => Promise<readonly T[]>

/** In one request: its answer stays small even for topics with many partitions. */
export const KEYS_MAX = 100

export function askedTogether<T>(
  ask: AskTogether<T>,
  turn: () => Promise<void> = systemPace.turn,
): (key: string) => Promise<T> {
  let waiting = new Map<string, PromiseWithResolvers<T>>()

  async function askAll(): Promise<void> {
    await turn()
    const all = [...waiting]
    waiting = new Map()
    for (let at = 0; at < all.length; at += KEYS_MAX) void answer(all.slice(at, at + KEYS_MAX))
  }

  async function answer(some: readonly [string, PromiseWithResolvers<T>][]): Promise<void> {
    const isOne = some.length === 1
    try {
      const values = await ask(some.map(([key]) => key))
      for (const [index, [, { resolve }]] of some.entries()) resolve(values[index] as T)
    } catch (error) {
      for (const each of some)
        if (isOne) each[1].reject(error)
        else void answer([each])
    }
  }

  return (key) => {
    const known = waiting.get(key)
    if (known !== undefined) return known.promise
    const fresh = Promise.withResolvers<T>()
    waiting.set(key, fresh)
    if (waiting.size === 1) void askAll()
    return fresh.promise
  }
}
