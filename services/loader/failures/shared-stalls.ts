/**
 * The stalls as each of several batches of a topic sees them. A batch that succeeds does not end a wait that another
 * one is still in. Otherwise a wait would disappear from log, metric and `status` while the topic makes no progress.
 */
import type { Stalls } from './stalls.ts'

export type SharedStalls = {
  /** For one batch. After `end` nothing waits for it any more; what it held stays until someone clears it. */
  of(topic: string, stalls: Stalls): { stalls: Stalls; end(): void }
}

export function createSharedStalls(): SharedStalls {
  /** How many batches of a topic wait for a table or a topic. Bounded by the batches under way. */
  const holders = new Map<string, number>()

  function of(topic: string, stalls: Stalls): { stalls: Stalls; end(): void } {
    const own = new Set<string>()
    const keyOf = (what: string) => `${topic} ${what}`

    function leave(what: string): void {
      if (!own.delete(what)) return
      const others = (holders.get(keyOf(what)) ?? 1) - 1
      if (others === 0) holders.delete(keyOf(what))
      else holders.set(keyOf(what), others)
    }

    return {
      stalls: {
        ...stalls,
        hold(what, stall, ofTopic) {
          if (!own.has(what)) {
            own.add(what)
            holders.set(keyOf(what), (holders.get(keyOf(what)) ?? 0) + 1)
          }
          stalls.hold(what, stall, ofTopic)
        },
        clear(what) {
          leave(what)
          if (!holders.has(keyOf(what))) stalls.clear(what)
        },
      },
      end: () => [...own].forEach(leave),
    }
  }

  return { of }
}
