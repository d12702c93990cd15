/**
 * A backfill of a part of what the APIs of a batch had at first, beside the fetcher that runs them; and what must be
 * true of it: its pages move no watermark, hold nothing from outside, and hold all that lay inside and did not change
 * meanwhile.
 */
import type { Version } from './api.ts'
import type { Case } from './case.ts'
import type { Held, LogEntry } from './held.ts'

export type Backfill = {
  range: { from: string; to: string }
  /** Ids of its runs: one for each time that a walk had to begin anew. */
  runs: ReadonlySet<string>
  /** `Date.now()` around all of it. */
  startedMs: number
  endedMs: number
}

/** Behind the first of the records that an API has at first, which lie 30 s. */
const [FROM_MS, TO_MS] = [5_000, 22_000]
export const rangeFrom = (baseMs: number): Backfill['range'] => ({
  from: new Date(baseMs + FROM_MS).toISOString(),
  to: new Date(baseMs + TO_MS).toISOString(),
})

/** The runs that a log of level debug tells of. */
export function runsIn(lines: readonly string[]): string[] {
  return lines
    .filter((line) => line.includes('"run starts"') && line.includes('"range":{'))
    .flatMap((line) => /"run":"([^"]+)"/.exec(line)?.[1] ?? [])
}

/** The log without the pages of the backfill, and those alone. */
export function apart({ entries }: Held, runs: ReadonlySet<string>): { regular: LogEntry[]; backfill: LogEntry[] } {
  const [regular, backfill]: [LogEntry[], LogEntry[]] = [[], []]
  let page: LogEntry[] = []
  for (const entry of entries) {
    page.push(entry)
    if (entry.marker === null) continue
    ;(runs.has(entry.marker.run) ? backfill : regular).push(...page)
    page = []
  }
  return { regular: [...regular, ...page], backfill }
}

export function judgeBackfill(
  each: Case,
  versions: readonly Version[],
  pages: readonly LogEntry[],
  backfill: Backfill,
): string[] {
  const { range, startedMs, endedMs } = backfill
  const isIn = ({ at }: Version) => at >= Date.parse(range.from) && at < Date.parse(range.to)
  const inside = new Set(versions.filter(isIn).map(({ id, n }) => `${id} ${n}`))
  const published = new Set(pages.flatMap(({ key, record }) => (record === null ? [] : [`${key} ${record.n}`])))
  const stayed = versions.filter(
    (version) =>
      isIn(version) &&
      version.valid &&
      version.madeMs + each.changes.hiddenMs < startedMs &&
      (version.endedMs ?? endedMs + 1) > endedMs,
  )
  return [
    ...pages.flatMap(({ marker, offset }) =>
      marker?.watermark == null ? [] : [`backfill: the marker at ${offset} has a watermark`],
    ),
    ...[...published]
      .filter((version) => !inside.has(version))
      .map((version) => `backfill: ${version} lies outside of ${range.from} to ${range.to}`),
    ...(each.promise === 'complete'
      ? stayed
          .filter(({ id, n }) => !published.has(`${id} ${n}`))
          .map(({ id, n, record }) => `LOST to the backfill: ${id} version ${n} (${record.updated_at})`)
      : []),
    ...(pages.at(-1)?.marker?.last === true ? [] : ['backfill: the last run has no last page']),
  ]
}
