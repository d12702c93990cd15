/**
 * Loaded into a service before its own code (`--import`): answers its parent with what it holds. It collects garbage
 * first, twice, since finalizers free more. It keeps the process from nothing: its channel does not hold it.
 */
import { writeHeapSnapshot } from 'node:v8'

export type ProbeRequest = { snapshot: string | null }
export type ProbeAnswer = {
  heapBytes: number
  externalBytes: number
  /** What keeps the event loop busy, by type. */
  resources: Record<string, number>
}

process.on('message', ({ snapshot }: ProbeRequest) => {
  globalThis.gc?.()
  setImmediate(() => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    const resources: Record<string, number> = {}
    for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1
    process.send?.({ heapBytes: heapUsed, externalBytes: external, resources } satisfies ProbeAnswer)
    if (snapshot !== null) writeHeapSnapshot(snapshot)
  })
})
process.channel?.unref()
