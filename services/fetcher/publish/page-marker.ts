/** What a page's marker and the run's totals say about it. Pure. */

import type { PageMarker } from '#shared/messages/frame.ts'
import type { RunTotals } from '#shared/progress/offset-metadata.ts'
import { shownName } from '#shared/shown.ts'
import type { Fresh } from '../deduplicate/seen-records.ts'
import type { PageResponse } from '../http/messages.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'

export type PagePlace = Pick<PageMarker, 'run' | 'page' | 'watermark' | 'share' | 'coveredBelow' | 'last' | 'complete'>

export function markerOf(place: PagePlace, response: PageResponse, page: ValidatedPage, fresh: Fresh): PageMarker {
  return {
    v: 1,
    ...place,
    at: response.fetchedMs,
    records: fresh.records.length,
    deadLetters: fresh.rejected.length,
    unchanged: fresh.unchanged,
    drift: page.drift.size,
    ...(page.omitted === 0 ? {} : { leftOut: page.omitted }),
    requests: response.attempts,
    retries: response.retries,
    bytes: response.bytes,
    durationMs: Math.round(response.durationMs),
  }
}

export const NO_TOTALS: RunTotals = { records: 0, deadLetters: 0, unchanged: 0, requests: 0, retries: 0, drift: [] }
/** Drift paths in a checkpoint; the log and the metric have more. */
const DRIFT_SHOWN_MAX = 5

export function totalsWith(totals: RunTotals, marker: PageMarker, page: ValidatedPage): RunTotals {
  return {
    records: totals.records + marker.records,
    deadLetters: totals.deadLetters + marker.deadLetters,
    unchanged: totals.unchanged + marker.unchanged,
    requests: totals.requests + marker.requests,
    retries: totals.retries + marker.retries,
    drift: [...new Set([...totals.drift, ...firstOf(page.drift.keys())])].slice(0, DRIFT_SHOWN_MAX),
  }
}

/** Names are cut: a checkpoint has no room for long ones, and would lose all its totals because of them. */
const firstOf = (paths: Iterable<string>): string[] =>
  [...paths].slice(0, DRIFT_SHOWN_MAX).map((path) => shownName(path))
