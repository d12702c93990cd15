/**
 * The scopes of a stream's partitions: what each of them requests from the API. A watermark holds for one scope only,
 * so markers, checkpoints and commits name theirs. When the declared scopes differ from the registered ones, every new
 * scope starts where all of its earlier records are surely confirmed. An unchanged scope resumes at its own watermark,
 * a part of everything at the lowest of all watermarks, any other at the stream's start. Pure.
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

/** 72 bits, as text: enough to tell apart the few scopes that a stream ever has. */
const SHARE_ID_CHARS = 12

/** The id of a scope in markers, checkpoints and commits. */
export const shareId = (share: string): string => hash('sha256', share, 'base64url').slice(0, SHARE_ID_CHARS)

/** A numbered scope is a part of all that the stream has, however many parts there are. */
const BY_NUMBER = /^\d+ of \d+$/
const isWhole = (shares: readonly string[]): boolean => shares.every((share) => BY_NUMBER.test(share))

/** The key by which a partition looks up where to start. */
export type OwnShare = {
  id: string
  /**
   * The scope of checkpoints and commits that name none. They were written before scopes had names, and the registered
   * scopes are still those.
   */
  unnamed: boolean
  /** Where it starts without a checkpoint of its own; null for the stream's start. */
  startsFrom: string | null
}

export const isOf = (own: OwnShare | undefined, share: string | undefined): boolean =>
  own === undefined || (share === undefined ? own.unnamed : share === own.id)

export const shareIn = ({ shares }: StreamAnnotation, partition: number): string => shareId(shares?.[partition] ?? '')

/**
 * The scope of a partition by the registered annotation. `logEnds`: those of the topic's partitions. A log that is
 * shorter than when the scopes changed is a new log: what was confirmed then is ignored.
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
 * The declared schema as it will be registered: with where its partitions start. `loaded`: what the loader's group has
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
 * For publishers that do not call the API: the declared schema with the registered scopes, so that no partition starts
 * over because of it.
 */
export function inLayoutOf(declared: JsonSchema, registered: JsonSchema | null): JsonSchema {
  const [before, after] = [registered === null ? null : annotationOf(registered), annotationOf(declared)]
  if (before === null || after === null) return declared
  const { partitions, shares, startsFrom } = before
  return { ...declared, [ANNOTATION]: { ...after, partitions, shares: shares ?? after.shares, startsFrom } }
}

/** The topic was recreated: everything that was confirmed before is ignored. */
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

/** Values that a function discovers may be of any kind, with old records of their own. */
const isPart = (share: string): boolean => !share.endsWith(FOUND)

/** The watermark of an old scope that is surely in the warehouse. A commit of another scope says nothing about it. */
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
