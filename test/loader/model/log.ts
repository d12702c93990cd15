/**
 * The log in the model: pages are published, retention takes what was read or was not, and the fetcher publishes again
 * what was gone too early. A record counts as resolved when it, or what was published in its place, is in the table or
 * in the dead letters.
 */

import type { RawMessage } from '#shared/kafka/kafka.ts'
import { frame, MARKER_HEADER } from '#shared/messages/frame.ts'
import { parseCommit } from '#shared/progress/offset-metadata.ts'
import { markerOf } from '../../support/published.ts'
import { between } from '../../support/random.ts'
import { type Entry, type Kind, SCHEMA_ID, STARTED_MS, type World } from './world.ts'

const PAGE_RECORDS_MAX = 6
const BAD_SHARE = 0.04

/** A page of records and its marker; now and then without a watermark, with offsets that no reader sees behind it. */
export function publishPage(world: World, place: string, page: number): void {
  const { random } = world
  const records = Array.from({ length: between(random, 0, PAGE_RECORDS_MAX) }, (): Kind => {
    const bad = random() < BAD_SHARE ? random() : 1
    return bad < 0.3 ? 'frame' : bad < 0.6 ? 'refused' : bad < 1 ? 'refusedBySchema' : 'row'
  })
  append(world, place, page, records, random() < 0.7)
}

function append(world: World, place: string, page: number, kinds: readonly Kind[], isSafe: boolean): Entry[] {
  const log = world.logs.get(place) as Entry[]
  const from = world.ends.get(place) as number
  const watermark = isSafe ? String(page).padStart(6, '0') : null
  const entries = [...kinds, 'marker' as const].map((kind, index): Entry => {
    const offset = String(from + index)
    const message: RawMessage = {
      offset,
      timestamp: String(STARTED_MS + page),
      key: null,
      value: bytesOf(kind, offset),
    }
    if (kind !== 'marker') return { kind, message, watermark: null, records: 0 }
    const facts = { ...markerOf(page, kinds.length, STARTED_MS), watermark, coveredBelow: world.covered.get(place) }
    message.headers = { [MARKER_HEADER]: Buffer.from(JSON.stringify(facts)) }
    return { kind, message, watermark, records: kinds.length }
  })
  log.push(...entries)
  // The end of a transaction takes an offset too.
  world.ends.set(place, from + entries.length + between(world.random, 0, 1))
  return entries
}

function bytesOf(kind: Kind, offset: string): Buffer | null {
  if (kind === 'marker') return null
  if (kind === 'frame') return Buffer.from([9, 9])
  const refused = { row: '', refused: ',"refused":"clickhouse"', refusedBySchema: ',"refused":"schema"' }[kind]
  return frame(SCHEMA_ID, `{"id":"${offset}"${refused}}`)
}

/** Retention takes the beginning of the log, read or not. */
export function truncate({ lows, ends, random }: World, place: string): void {
  lows.set(place, between(random, lows.get(place) as number, ends.get(place) as number))
}

/**
 * The fetcher sees that records are gone before they were loaded, and publishes them again. False when it has no reason
 * to.
 */
export function cover(world: World, place: string, page: number): boolean {
  const low = world.lows.get(place) as number
  const committed = world.committed.get(place)
  const lost = committed === undefined ? null : (parseCommit(committed.offset, committed.metadata)?.lost ?? null)
  const seen = Math.max((committed?.offset ?? 0) < low ? low : 0, lost?.below ?? 0)
  if (seen <= (world.covered.get(place) as number)) return false
  const gone = (world.logs.get(place) as Entry[]).filter(
    (entry) => isGone(world, place, entry) && !isResolved(world, place, entry),
  )
  const still = gone.filter(({ again }) => again === undefined || isGone(world, place, again))
  world.covered.set(place, low)
  const anew = append(
    world,
    place,
    page,
    still.map(({ kind }) => kind),
    true,
  )
  for (const [index, entry] of still.entries()) entry.again = anew[index] as Entry
  return true
}

export const isGone = ({ lows }: World, place: string, { kind, message }: Entry): boolean =>
  kind !== 'marker' && Number(message.offset) < (lows.get(place) as number)

/** In the table or the dead letters, itself or as it was published again. */
export function isResolved(world: World, place: string, entry: Entry): boolean {
  for (let one: Entry | undefined = entry; one !== undefined; one = one.again) {
    const where = one.kind === 'row' ? world.table : world.letters
    if (one.kind === 'marker' || where.has(`${place}/${one.message.offset}`)) return true
  }
  return false
}
