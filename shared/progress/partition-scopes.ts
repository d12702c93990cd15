/**
 * The layout of a stream: what each of its partitions asks for, its share. A watermark is true of a share only, so
 * markers, checkpoints and commits name theirs. When the declared layout is not the registered one, every new share
 * begins where all of its records before are surely confirmed: the same share where it was, a part of everything at the
 * lowest watermark of all, any other at the stream's start. Pure.
 */
import { hash } from 'node:crypto'
import { ANNOTATION } from '../schema/annotation.ts'
import {
  annotationOf,
  FOUND,
  type JsonSchema,
  type StartsFrom,
  type StreamAnnotation,
  withStartsFrom,
} from '../schema/json-schema.ts'
import { comparePositions, positionOfText, type WatermarkKind, watermarkText } from '../watermark.ts'
import { type Commit, parseCommit } from './offset-metadata.ts'

/** 72 bits, as text: enough to tell the few layouts apart that a stream ever has. */
const SHARE_ID_CHARS = 12

/** What stands for a share in markers, checkpoints and commits. */
export const shareId = (share: string): string => hash('sha256', share, 'base64url').slice(0, SHARE_ID_CHARS)

/** A share by number is a part of all that the stream has, whatever their number. */
const BY_NUMBER = /^\d+ of \d+$/
const isWhole = (shares: readonly string[]): boolean => shares.every((share) => BY_NUMBER.test(share))

/** What a partition goes by when it looks for its place. */
export type OwnShare = {
  id: string
  /**
   * Checkpoints and commits that name no share are of this one: they were written before shares had names, and the
   * layout is still that one.
   */
  unnamed: boolean
  /** Where it begins without a checkpoint of its own; null for the stream's start. */
  startsFrom: string | null
}

export const isOf = (own: OwnShare | undefined, share: string | undefined): boolean =>
  own === undefined || (share === undefined ? own.unnamed : share === own.id)

export const shareIn = ({ shares }: StreamAnnotation, partition: number): string => shareId(shares?.[partition] ?? '')

/**
 * The share of a partition by the registered annotation. `logEnds`: of the topic's partitions. A log that is shorter
 * than it was when the layout changed is another one: what was confirmed then is not counted on.
 */
export function ownShare(annotation: StreamAnnotation, partition: number, logEnds: readonly number[]): OwnShare {
  const { startsFrom } = annotation
  const id = shareIn(annotation, partition)
  if (startsFrom === undefined) return { id, unnamed: true, startsFrom: null }
  const isSameLog = (logEnds[startsFrom.log.partition] ?? 0) >= startsFrom.log.offset
  return { id, unnamed: false, startsFrom: isSameLog ? (startsFrom.watermarks[partition] ?? null) : null }
}

type Stored = { offset: number; metadata: string } | null
export type LaidOut = { schema: JsonSchema; changed: boolean }

/**
 * The declared schema as it is to be registered: with where its partitions begin. `loaded`: what the loader's group has
 * committed, by partition.
 */
export function laidOut(declared: JsonSchema, registered: JsonSchema | null, loaded: readonly Stored[]): LaidOut {
  const [before, after] = [registered === null ? null : annotationOf(registered), annotationOf(declared)]
  if (before === null || after?.shares === undefined) return { schema: declared, changed: false }
  const { shares } = before
  if (shares === undefined || JSON.stringify(shares) === JSON.stringify(after.shares)) {
    return {
      schema: before.startsFrom === undefined ? declared : withStartsFrom(declared, before.startsFrom),
      changed: false,
    }
  }
  return { schema: withStartsFrom(declared, startsFromOf({ ...before, shares }, after.shares, loaded)), changed: true }
}

/**
 * For who publishes without asking the API: the declared schema in the layout that is registered, so that no partition
 * begins anew by it.
 */
export function inLayoutOf(declared: JsonSchema, registered: JsonSchema | null): JsonSchema {
  const [before, after] = [registered === null ? null : annotationOf(registered), annotationOf(declared)]
  if (before === null || after === null) return declared
  const { partitions, shares, startsFrom } = before
  return { ...declared, [ANNOTATION]: { ...after, partitions, shares: shares ?? after.shares, startsFrom } }
}

/** The topic was made anew: nothing that was confirmed before is counted on. */
export function forgotten(schema: JsonSchema): JsonSchema {
  const annotation = annotationOf(schema)
  if (annotation?.startsFrom === undefined) return schema
  const { change, watermarks } = annotation.startsFrom
  return withStartsFrom(schema, {
    change: change + 1,
    watermarks: watermarks.map(() => null),
    log: { partition: 0, offset: 0 },
  })
}

function startsFromOf(
  before: StreamAnnotation & { shares: string[] },
  shares: readonly string[],
  loaded: readonly Stored[],
): StartsFrom {
  const confirmed = before.shares.map((share, partition) =>
    confirmedOf(before, share, partition, loaded[partition] ?? null),
  )
  const lowest = isWhole(before.shares) ? lowestOf(before.watermark?.kind ?? 'text', confirmed) : null
  return {
    change: (before.startsFrom?.change ?? 0) + 1,
    watermarks: shares.map((share) => {
      const same = before.shares.indexOf(share)
      return same === -1 ? (isPart(share) ? lowest : null) : (confirmed[same] ?? null)
    }),
    log: longest(loaded),
  }
}

/** What a function finds may be of any kind, and has old records of its own. */
const isPart = (share: string): boolean => !share.endsWith(FOUND)

/** What is surely in the warehouse of an old share. A commit of another share says nothing about it. */
function confirmedOf(before: StreamAnnotation, share: string, partition: number, stored: Stored): string | null {
  const begun = before.startsFrom?.watermarks[partition] ?? null
  const commit: Commit | null = stored === null ? null : parseCommit(stored.offset, stored.metadata)
  const own = { id: shareId(share), unnamed: before.startsFrom === undefined, startsFrom: begun }
  return commit !== null && isOf(own, commit.share) ? (commit.watermark ?? begun) : begun
}

function lowestOf(kind: WatermarkKind, watermarks: readonly (string | null)[]): string | null {
  const positions = watermarks.map((watermark) => (watermark === null ? null : positionOfText(kind, watermark)))
  const [lowest] = positions.every((position) => position !== null) ? positions.sort(comparePositions) : []
  return lowest === undefined ? null : watermarkText(kind, lowest)
}

function longest(loaded: readonly Stored[]): { partition: number; offset: number } {
  let log = { partition: 0, offset: 0 }
  for (const [partition, stored] of loaded.entries())
    if (stored !== null && stored.offset > log.offset) log = { partition, offset: stored.offset }
  return log
}
