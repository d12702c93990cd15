/**
 * The partitions that this process runs, and their assignment and revocation. A pause lets the current page finish
 * before it cuts the request. So no page is fetched twice, and no two owners fetch at once. A partition that stays
 * keeps its publisher and its seen records.
 */
import type { Clock } from '#shared/clock.ts'
import type { Log } from '#shared/log.ts'
import type { Partition } from './partition.ts'
import type { Owned } from './schedule/assigned-partitions.ts'
import type { RunOutcome } from './schedule/run-outcome.ts'
import { runsOf } from './schedule/schedule.ts'
import { type Stop, type StopSignal, stopSignal } from './schedule/stop-signal.ts'

export type WorkerTools = {
  open(owned: Owned): Partition
  once: boolean
  /** Replaces a regular run. */
  job?(owned: Owned, partition: Partition, stop: Stop): Promise<RunOutcome>
  /** With `once`: how many partitions must have had their run before the end; without it, those that are owned. */
  partitions?: number
  /** Registers what to call when the partition's next run may start early. Returns the function that removes it. */
  onWake?(owned: Owned, wake: () => void): () => void
  clock: Clock
  log: Log
  onOutcome(owned: Owned, outcome: RunOutcome): void
}

export type Worker = {
  assign(owned: ReadonlyMap<string, Owned>): Promise<void>
  /** Resolves when no run is active. */
  pause(): Promise<void>
  /**
   * With `once`: resolves when every owned partition, or the given number, has had its run. Otherwise: on the signal.
   * Throws the error given to `fail`.
   */
  finished(signal: AbortSignal): Promise<void>
  fail(error: Error): void
  close(): Promise<void>
}

/** How long the current page may take at a pause or a stop before its request is aborted. */
const PAGE_GRACE_MS = 5_000

export function createWorker(tools: WorkerTools): Worker {
  const { clock, log } = tools
  const open = new Map<string, { owned: Owned; partition: Partition }>()
  const ran = new Set<string>()
  let stop: StopSignal = stopSignal(clock, PAGE_GRACE_MS)
  let running: Promise<unknown>[] = []
  let closed = false
  const end = Promise.withResolvers<void>()
  // The rejection may come before anyone waits.
  end.promise.catch(() => {})

  async function pause(): Promise<void> {
    stop.request()
    await Promise.allSettled(running)
    stop.settled()
    running = []
  }

  async function runOnSchedule(id: string, owned: Owned, partition: Partition): Promise<void> {
    const current = stop
    const runNow = async (): Promise<RunOutcome> => {
      if (current.soft.aborted) return { outcome: 'stopped' }
      const outcome = await (tools.job === undefined ? partition.run(current) : tools.job(owned, partition, current))
      tools.onOutcome(owned, outcome)
      return outcome
    }
    if (tools.once) {
      if (ran.has(id)) return
      if ((await runNow()).outcome !== 'stopped') ran.add(id)
      return
    }
    const { onWake } = tools
    await runsOf(owned.stream, await partition.dueInMs(), runNow, {
      ...{ clock, stop: current.soft },
      ...(onWake === undefined ? {} : { onWake: (wake: () => void) => onWake(owned, wake) }),
    })
  }

  return {
    pause,
    async assign(owned) {
      // A new generation may come without a preceding rebalance event.
      await pause()
      if (closed) return
      for (const [id, { partition }] of open) {
        if (owned.has(id)) continue
        open.delete(id)
        await partition.close()
      }
      stop = stopSignal(clock, PAGE_GRACE_MS)
      const generation = stop
      for (const [id, each] of owned) {
        const entry = open.get(id) ?? { owned: each, partition: tools.open(each) }
        open.set(id, entry)
        running.push(
          runOnSchedule(id, each, entry.partition).catch((error: unknown) =>
            log.error({ err: error, partition: id }, 'a partition stopped by a defect'),
          ),
        )
      }
      if (!tools.once) return
      void Promise.allSettled(running).then(() => {
        if (generation === stop && !generation.soft.aborted && ran.size >= (tools.partitions ?? 0)) end.resolve()
      })
    },
    async finished(signal) {
      const aborted = Promise.withResolvers<void>()
      const onAbort = () => aborted.resolve()
      signal.addEventListener('abort', onAbort)
      try {
        if (!signal.aborted) await Promise.race([end.promise, aborted.promise])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    fail: (error) => end.reject(error),
    async close() {
      closed = true
      await pause()
      await Promise.allSettled([...open.values()].map(({ partition }) => partition.close()))
      open.clear()
    },
  }
}
