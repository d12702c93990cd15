/**
 * Compares what the topic holds with the truth of the API. Every sentence that it returns is a promise that was broken.
 * Assumes a log that committed readers see whole, and an API that has stopped changing before the last run.
 */

import type { PageMarker } from '#shared/messages/frame.ts'
import { DELETED_FIELD } from '#shared/schema/json-schema.ts'
import type { Version } from './api.ts'
import { apart, type Backfill, judgeBackfill } from './backfill.ts'
import type { Case } from './case.ts'
import { isTimeText } from './declare-capabilities.ts'
import type { Held } from './held.ts'
import { byId, keyProblems } from './record-keys.ts'

/**
 * `repeats`: true where a version may be published twice, because the memory of what was published is small. The pages
 * of a backfill are judged by themselves where regular runs are.
 */
export type Circumstances = {
  backfill: Backfill | null
  /** How far the clock of a fetcher may have been behind, milliseconds. */
  behindMs: number
}

export function judge(
  each: Case,
  versions: readonly Version[],
  given: Held,
  repeats: boolean,
  { backfill, behindMs }: Circumstances,
): string[] {
  const held = byId(each, given)
  const seen = readLog(held)
  const pages = apart(held, backfill?.runs ?? new Set())
  const regular = { ...held, entries: pages.regular }
  const problems = [...invented(each, versions, held), ...countsOf(held), ...walkOf(regular), ...stamps(held)]
  problems.push(...keyProblems(each, given))
  if (!repeats) problems.push(...twice(regular))
  if (backfill !== null) problems.push(...judgeBackfill(each, versions, pages.backfill, backfill))
  if (each.promise === 'complete')
    problems.push(...lost(versions, seen), ...ahead(each, versions, held, seen, behindMs))
  return problems
}

/**
 * Offset of the first record of a key that is at least this version; dead letters have none and count from the start.
 */
type SeenLog = {
  first(version: Version): number | null
  latest: ReadonlyMap<string, number>
  rejected: ReadonlyMap<string, number>
}

function readLog({ entries, deadLetters }: Held): SeenLog {
  const published = new Map<string, { n: number; offset: number }[]>()
  const latest = new Map<string, number>()
  const rejected = new Map<string, number>()
  for (const { key, record, offset } of entries) {
    if (key === null || record === null) continue
    const list = published.get(key) ?? []
    published.set(key, list)
    list.push({ n: Number(record.n), offset })
    latest.set(key, Number(record.n))
  }
  for (const { raw } of deadLetters) {
    // Tables have only texts.
    const { id, n } = JSON.parse(raw) as { id: string; n: number | string }
    rejected.set(id, Math.max(Number(n), rejected.get(id) ?? 0))
  }
  return {
    latest,
    rejected,
    first({ id, n }) {
      if ((rejected.get(id) ?? 0) >= n) return -1
      return published.get(id)?.find((each) => each.n >= n)?.offset ?? null
    },
  }
}

/** Every version in the topic was one of the API's, as it was. */
function invented(each: Case, versions: readonly Version[], { entries, deadLetters }: Held): string[] {
  const known = new Map(versions.map((version) => [`${version.id} ${version.n}`, version]))
  const problems: string[] = []
  for (const { key, record, offset } of entries) {
    if (record === null) continue
    const version = known.get(`${key} ${record.n}`)
    if (version === undefined || !version.valid)
      problems.push(`offset ${offset}: ${key} version ${record.n} was never given out as valid`)
    else if ((record[DELETED_FIELD] === 1) !== (version.record.gone !== undefined)) {
      problems.push(
        `offset ${offset}: ${key} version ${record.n} is marked ${record[DELETED_FIELD]}, the API says ${version.record.gone}`,
      )
    } else if (!isLike(each, record, version)) {
      problems.push(`offset ${offset}: ${key} version ${record.n} is not what the API gave`)
    }
  }
  for (const { raw } of deadLetters) {
    const { id, n } = JSON.parse(raw)
    if (known.get(`${id} ${n}`)?.valid !== false) problems.push(`dead letter of ${id} version ${n}, which is valid`)
  }
  return problems
}

/** Of what is gone, the other fields may not fit. */
const isLike = (each: Case, record: Record<string, unknown>, { record: given, at }: Version): boolean =>
  (isTimeText(each) ? Date.parse(`${record.updated_at}`) === at : record.updated_at === given.updated_at) &&
  (record.value === given.value || (given.gone !== undefined && typeof given.value !== 'number'))

/** What a marker says of its page is what lies in front of it. */
function countsOf({ entries, deadLetters }: Held): string[] {
  const problems: string[] = []
  let records = 0
  for (const { marker, offset } of entries) {
    if (marker === null) {
      records += 1
      continue
    }
    if (marker.records !== records)
      problems.push(`marker at ${offset} counts ${marker.records} records, there are ${records}`)
    records = 0
    const letters = deadLetters.filter(({ run, page }) => run === marker.run && page === marker.page).length
    if (marker.deadLetters !== letters)
      problems.push(`marker at ${offset} counts ${marker.deadLetters} dead letters, there are ${letters}`)
  }
  if (records > 0) problems.push(`${records} records behind the last marker`)
  return problems
}

/** Pages of a run follow each other, also over a crash, and the last walk came to its end. */
function walkOf({ entries }: Held): string[] {
  const problems: string[] = []
  let before: PageMarker | null = null
  for (const { marker, offset } of entries) {
    if (marker === null) continue
    const wanted = before !== null && before.run === marker.run ? before.page + 1 : 1
    if (marker.page !== wanted)
      problems.push(`marker at ${offset} is page ${marker.page} of its run, expected ${wanted}`)
    if (before?.run === marker.run && before.last) problems.push(`marker at ${offset} goes on a run that was done`)
    before = marker
  }
  if (before === null || !before.last) problems.push('the last run has no last page')
  return problems
}

/** A stamp is part of a row's version: one that goes back would leave the older value of a key in the table. */
function stamps({ entries }: Held): string[] {
  const problems: string[] = []
  let before = 0
  for (const { atMs, offset } of entries) {
    if (atMs < before)
      problems.push(`the stamp at offset ${offset} is ${before - atMs} ms before the one in front of it`)
    before = Math.max(before, atMs)
  }
  return problems
}

function twice({ entries }: Held): string[] {
  const seen = new Map<string, number>()
  const problems: string[] = []
  for (const { key, record, offset } of entries) {
    if (record === null) continue
    const version = `${key} version ${record.n}`
    const at = seen.get(version)
    if (at !== undefined) problems.push(`${version} is at ${at} and again, unchanged, at ${offset}`)
    seen.set(version, offset)
  }
  return problems
}

/** Every record that the API has at the end is there in its newest version, and nothing older came after it. */
function lost(versions: readonly Version[], { latest, rejected }: SeenLog): string[] {
  return versions
    .filter(({ endedMs }) => endedMs === null)
    .filter(({ id, n, valid }) => (valid ? latest.get(id) !== n : rejected.get(id) !== n))
    .map(
      ({ id, n, record, valid }) =>
        `LOST ${id} version ${n} (${record.updated_at}${valid ? '' : ', invalid'}); the topic has ${latest.get(id) ?? rejected.get(id) ?? 'none'}`,
    )
}

/**
 * A watermark says that a run may begin there, less the lookback. So whatever lies before that and was in the API when
 * the marker was made has to be in the log in front of the marker.
 */
function ahead(each: Case, versions: readonly Version[], { entries }: Held, seen: SeenLog, behindMs: number): string[] {
  const { marking } = each
  if (marking === null) return []
  const problems: string[] = []
  let before: number | null = null
  for (const { marker, offset } of entries) {
    if (marker === null || marker.watermark === null) continue
    const reached =
      marking.type === 'integer' || marking.type === 'text' ? Number(marker.watermark) : Date.parse(marker.watermark)
    if (before !== null && reached < before)
      problems.push(`marker at ${offset}: the watermark goes back to ${marker.watermark}`)
    before = reached
    const from = reached - marking.lookback * (each.wholeSeconds && each.clock === 'steps' ? 1000 : 1)
    for (const version of versions) {
      if (version.at >= from || (version.endedMs !== null && version.endedMs <= marker.at + behindMs + 1)) continue
      const place = seen.first(version)
      if (place !== null && place < offset) continue
      problems.push(
        `AHEAD marker at ${offset} (${marker.watermark}, page ${marker.page}): ${version.id} version ${version.n} (${version.record.updated_at}) is not in front of it`,
      )
    }
  }
  return problems
}
