/**
 * The end of a one-shot load: every partition's committed offset has reached the end that its log had at the start. It
 * asks Kafka instead of this process, so it is also right when other loaders share the work. It ends with an error when
 * all that is left waits for a person, or has made no progress for long. A command that never ends would tell nobody
 * what to do.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError, Stopped } from '#shared/errors.ts'
import { AccessDenied, type Committed, type Kafka, type LogRange } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { recordTopics } from '#shared/record-topics.ts'
import type { ActiveStall } from '../failures/stalls.ts'

const LOOK_AGAIN_MS = 200
/** How long it waits for a person's fix: attempts in between show that the failure does not pass. */
export const PERSON_WAIT_MAX_MS = 10_000
/** How long it waits for an overloaded or restarting server without any progress; longer than one insert may take. */
export const PROGRESS_WAIT_MAX_MS = 600_000
/** Topics named in the error. */
const TOPICS_SHOWN_MAX = 5

export type CaughtUpDeps = {
  kafka: Pick<Kafka, 'topics' | 'partitions' | 'logRanges' | 'committed'>
  names: Names
  clock: Clock
  /** The current waits. */
  held(): readonly ActiveStall[]
}

/** A topic that is not caught up, and when its committed offsets were last seen to move. */
export type Behind = { topic: string; movedMs: number }

/**
 * Resolves when all is committed up to there; rejects with the signal's reason. Throws Stopped (HR_LOAD_STALLED) when
 * waiting does not help.
 */
export async function untilAllCommitted(
  { kafka, names, clock, held }: CaughtUpDeps,
  signal: AbortSignal,
): Promise<void> {
  const targets = new Map<string, readonly LogRange[]>()
  const moved = new Map<string, { places: string; atMs: number }>()
  for (const topic of await recordTopics(kafka, names)) targets.set(topic, await kafka.logRanges(topic))
  while (targets.size > 0) {
    for (const [topic, ranges] of targets) if (await isThere(topic, ranges)) targets.delete(topic)
    if (targets.size === 0) return
    const behind = [...targets.keys()].map((topic) => ({ topic, movedMs: noteMoved(topic) }))
    const stalled = stalledFor(behind, held(), clock.elapsedMs())
    if (stalled !== null) throw notCaughtUp(stalled)
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }

  function noteMoved(topic: string, committed?: readonly (Committed | null)[]): number {
    const places = committed?.map((each) => each?.offset).join()
    const known = moved.get(topic)
    if (known !== undefined && (places === undefined || known.places === places)) return known.atMs
    moved.set(topic, { places: places ?? '', atMs: clock.elapsedMs() })
    return clock.elapsedMs()
  }

  async function isThere(topic: string, targetRanges: readonly LogRange[]): Promise<boolean> {
    try {
      const committed = await kafka.committed(names.loaderGroup, topic)
      noteMoved(topic, committed)
      const now = await kafka.logRanges(topic)
      return targetRanges.every(({ high }, partition) => {
        const range = now[partition]
        if (range === undefined) return true
        // The log was never written, or nothing is left of it: there is nothing to commit.
        const place = committed[partition]?.offset ?? (range.low === range.high ? range.high : range.low)
        const at = place < 0 ? range.low : place
        return at >= Math.min(high, range.high) && at <= range.high
      })
    } catch (error) {
      if (error instanceof HeadraceError && !(error instanceof AccessDenied)) return false
      throw error
    }
  }
}

/** Why waiting will not help any of these topics to catch up; null while it may help one of them. Pure. */
export function stalledFor(behind: readonly Behind[], held: readonly ActiveStall[], nowMs: number): string[] | null {
  const reasons: string[] = []
  for (const { topic, movedMs } of behind) {
    const own = held.filter(({ topics }) => topics.includes(topic))
    const refused = own.find(({ needsPerson, sinceMs }) => needsPerson && nowMs - sinceMs >= PERSON_WAIT_MAX_MS)
    const isStill = nowMs - movedMs >= PROGRESS_WAIT_MAX_MS
    if (refused === undefined && !isStill) return null
    const why = refused ?? own[0]
    reasons.push(
      `${topic}: ` +
        `${why === undefined ? `nothing was committed for ${PROGRESS_WAIT_MAX_MS / 60_000} minutes` : why.message}`,
    )
  }
  return reasons
}

function notCaughtUp(reasons: readonly string[]): Stopped {
  const more = reasons.length - TOPICS_SHOWN_MAX
  const shown = [...reasons.slice(0, TOPICS_SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])]
  return new Stopped('HR_LOAD_STALLED', `not caught up: ${shown.join('\n  ')}`, {
    hint: 'fix what is named and load again; everything else is loaded and committed',
  })
}
