/**
 * The limit on bytes read and not yet confirmed. One topic may hold at most `FREE_SHARE` times what is free, so a
 * blocked table can never take the memory of the others. A topic that holds nothing may always take one fetch: the
 * limit is exceeded by at most one fetch a topic.
 */
const FREE_SHARE = 2

export type InFlightLimit = {
  hasRoom(topic: string, bytes: number): boolean
  /** Reserves the bytes if there is room for them. */
  enter(topic: string, bytes: number): boolean
  leave(topic: string, bytes: number): void
  /** Resolves when no bytes are held. */
  empty(): Promise<void>
}

export function createInFlightLimit(bytesMax: number, onChange: (heldBytes: number) => void): InFlightLimit {
  const byTopic = new Map<string, number>()
  let total = 0
  let waiting: (() => void)[] = []

  function hasRoom(topic: string, bytes: number): boolean {
    const held = byTopic.get(topic) ?? 0
    const free = bytesMax - total
    return held === 0 || (bytes <= free && held + bytes <= free * FREE_SHARE)
  }

  function enter(topic: string, bytes: number): boolean {
    if (!hasRoom(topic, bytes)) return false
    byTopic.set(topic, (byTopic.get(topic) ?? 0) + bytes)
    total += bytes
    onChange(total)
    return true
  }

  function leave(topic: string, bytes: number): void {
    byTopic.set(topic, (byTopic.get(topic) ?? 0) - bytes)
    total -= bytes
    onChange(total)
    if (total > 0) return
    const resolved = waiting
    waiting = []
    for (const resolve of resolved) resolve()
  }

  async function empty(): Promise<void> {
    if (total > 0) await new Promise<void>((resolve) => waiting.push(resolve))
  }

  return { hasRoom, enter, leave, empty }
}
