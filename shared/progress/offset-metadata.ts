/**
 * The texts that are stored as Kafka offset metadata.
 * - The checkpoint (fetcher's group): where a run can resume, committed in the transaction of what it published. Its
 *   offset is the one after the last marker that it describes.
 * - The commit (loader's group): the watermark that is confirmed in ClickHouse, with the offset it belongs to.
 *
 * A commit is believed only when it carries its own offset: reset tools write offsets and leave foreign metadata or
 * none. The skipped page has a file of its own (`skip.ts`).
 */
import { z } from 'zod'
import { boundedWatermark } from '../watermark.ts'
import { storedParents } from './stored-parents.ts'

/** The broker's offset.metadata.max.bytes is 4096 by default; longer metadata refuses the whole commit. */
export const CHECKPOINT_BYTES_MAX = 4000
export const COMMIT_BYTES_MAX = 512
/** ECMA-262, section 21.4.1.1. */
const DATE_MAX_MS = 8_640_000_000_000_000
/** 48 bits for each known slice. */
export const KNOWN_CHARS = 8

/** The range of a Date: a foreign text must not make the code that displays it throw. */
export const instantMs = z.int().min(-DATE_MAX_MS).max(DATE_MAX_MS)

export const checkpoint = z.object({
  v: z.literal(1),
  run: z.string(),
  /** Pages of the run that are published. */
  page: z.int().min(0),
  /** When the run started, epoch milliseconds. */
  startedMs: instantMs,
  done: z.boolean(),
  /** The watermark that the run requests from; null for the stream's start. */
  from: z.string().nullable(),
  /** The next page's request state, as the paginator wrote it; null when the first page is next or the run is done. */
  cursor: z.unknown().nullable(),
  /** Safe to confirm: everything up to here is published. */
  watermark: z.string().nullable(),
  /** Highest position seen in an unsorted run; becomes the watermark at its end. */
  seen: z.string().nullable(),
  /** A stream that claims to be sorted was not, in this run: its watermark waits for the run's end. */
  unordered: z.boolean().optional(),
  /**
   * The run publishes everything from the stream's start again. `reached` is how far its own walk has got; `watermark`
   * is never before its value at the start of the run.
   */
  full: z.object({ reached: z.string().nullable() }).optional(),
  /** Of the latest page; no later one of the partition is stamped below it. */
  stampMs: instantMs.optional(),
  /** How far the clock was ahead of the API's when the run started. */
  aheadMs: z.number().min(0).optional(),
  /** The cursor that this run gave up once, because it led to no page. */
  gaveUp: z.string().optional(),
  /** What the run has done so far, for a person to read. */
  totals: z
    .object({
      records: z.int().min(0),
      deadLetters: z.int().min(0),
      unchanged: z.int().min(0),
      requests: z.int().min(0),
      retries: z.int().min(0),
      /** Unknown fields, the first few of them. */
      drift: z.array(z.string()),
    })
    .optional(),
  /** For a stream whose full walks detect deletions. */
  walk: z
    .object({
      /** The run's records start at this offset. */
      from: z.int().min(0),
      /** Of the latest page. */
      atMs: instantMs,
      brought: z.literal(true).optional(),
      /** Why the walk does not detect deletions. */
      lacks: z.string().optional(),
      /** A person has released the deletes of this walk. */
      allowed: z.literal(true).optional(),
      /** Records that the walk has fetched, and those of the last complete walk before it. */
      records: z.int().min(0).optional(),
      before: z.int().min(0).optional(),
    })
    .optional(),
  /** What the walk has learned of the size of its list, to compare its end with. */
  size: z
    .object({
      /** Records of the longest page of the walk. */
      longest: z.int().min(0),
      /** Records read of this list; repeated ones count once. */
      read: z.int().min(0),
      /** The lowest total, by the declared place, or by an X-Total-Count header where none is declared. */
      total: z.int().min(0).optional(),
      /** The total of the last page that named one, if it is higher: the list has grown. */
      lastTotal: z.int().min(0).optional(),
      /** The lowest number of pages. */
      pages: z.int().min(0).optional(),
      /** Pages that follow the last one, by its own number. */
      pagesLeft: z.int().min(1).optional(),
      /** The walk resumed from a checkpoint of an earlier version, which did not count. */
      partial: z.literal(true).optional(),
      /** The last page announced that there is more. */
      more: z.literal(true).optional(),
      /** A list of this walk had exactly as many records as announced. So the number counts what is requested. */
      agreed: z.literal(true).optional(),
    })
    .optional(),
  /** Records of the last complete walk over everything, to compare the next one with. */
  whole: z.int().min(0).optional(),
  /**
   * Why the watermark has been held since a page of this run: the walk may have ended before it had all that the API
   * has.
   */
  held: z.string().optional(),
  /** Records below this offset that the log lost were requested from the API again, by this run or an earlier one. */
  coveredBelow: z.int().min(0).optional(),
  /** The scope of the partition (`shareId`). A partition with another scope does not resume from here. */
  share: z.string().optional(),
  /**
   * For a partition whose slices are discovered: those that were walked from their start, as hashes of `KNOWN_CHARS`
   * each.
   */
  known: z.string().optional(),
  /** For a partition whose slices come from a parent that is read incrementally. */
  parents: storedParents.optional(),
  /** Of a backfill, for a person to read. */
  range: z.object({ from: z.string(), to: z.string() }).optional(),
})
export type Checkpoint = z.infer<typeof checkpoint>
export type WalkSize = NonNullable<Checkpoint['size']>
export type RunTotals = NonNullable<Checkpoint['totals']>

/**
 * The best watermark of the run's own walk. A full walk's `watermark` also covers earlier runs, so `reached` is used
 * there.
 */
export const reachedOf = ({ full, watermark }: Pick<Checkpoint, 'full' | 'watermark'>): string | null =>
  full === undefined ? watermark : full.reached

/**
 * Deletes that the loader has withheld: a complete walk would have deleted `rows` of the `of` rows that the partition
 * had.
 */
export const withheldDeletes = z.object({
  run: z.string(),
  rows: z.int().min(0),
  of: z.int().min(0),
  startedMs: z.int(),
})
export type WithheldDeletes = z.infer<typeof withheldDeletes>

export const commit = z.object({
  v: z.literal(1),
  /** The offset this metadata was written with. */
  offset: z.int().min(0),
  watermark: z.string().nullable(),
  /**
   * Records and dead letters read since the last marker. So a restart in the middle of a page can still check its
   * count.
   */
  open: z.int().min(0).optional(),
  /** The scope of the watermark (`shareId`). */
  share: z.string().optional(),
  /** No row of the partition was ever sent to the table, so none can be missing. */
  rowless: z.literal(true).optional(),
  /** From this offset on, everything was read, counted as published and accepted. */
  wholeFrom: z.int().min(0).optional(),
  /**
   * Records in [from, below) were lost before they were loaded. It stays, and holds the watermark, until a marker of a
   * run that requested them again is read. Without it, a loader that moves on before the fetcher has looked would hide
   * the gap from it.
   */
  lost: z.object({ from: z.int().min(0), below: z.int().min(0) }).optional(),
  /**
   * For a stream whose complete walks delete. `rows`: what the last accepted walk left. `withheld`: what a later one
   * would have deleted beyond the bounds.
   */
  deletes: z.object({ rows: z.int().min(0).optional(), withheld: withheldDeletes.optional() }).optional(),
  /** Offset of a marker whose watermark was not believed, until one is believed again. */
  doubted: z.int().min(0).optional(),
})
export type Commit = z.infer<typeof commit>

/**
 * The checkpoint as text. What does not fit is dropped: first the totals, then the cursor. The run then continues from
 * its watermark, cut if necessary.
 */
export function checkpointText(value: Checkpoint): string {
  const { totals: _, ...needed } = value
  const short = withShortTexts({ ...needed, cursor: null })
  return firstThatFits(CHECKPOINT_BYTES_MAX, [value, needed, { ...needed, cursor: null }], short)
}

/**
 * A watermark of kind text can be as long as a field of a record. Its beginning sorts before it: more is requested
 * again, nothing is missed.
 */
function withShortTexts({ from, watermark, seen, full, range, ...rest }: Checkpoint): Checkpoint {
  const short = (text: string | null) => (text === null ? null : boundedWatermark(text))
  return {
    ...rest,
    ...{ from: short(from), watermark: short(watermark), seen: short(seen) },
    ...(full === undefined ? {} : { full: { reached: short(full.reached) } }),
    ...(range === undefined ? {} : { range: { from: short(range.from) ?? '', to: short(range.to) ?? '' } }),
  }
}

export function parseCheckpoint(metadata: string): Checkpoint | null {
  return parseJson(checkpoint, metadata)
}

/**
 * The commit as text. Never fails, since an offset that cannot be committed would stop its partition for good. What
 * does not fit is cut or dropped.
 */
export function commitText({ watermark, share, deletes, ...places }: Commit): string {
  const short = watermark === null ? null : boundedWatermark(watermark)
  const forms = [
    { ...places, watermark, share, deletes },
    { ...places, watermark: short, share, deletes },
    { ...places, watermark: null, deletes },
  ]
  return firstThatFits(COMMIT_BYTES_MAX, forms, { ...places, watermark: null })
}

function firstThatFits(bytesMax: number, forms: readonly object[], last: object): string {
  for (const form of forms) {
    const text = JSON.stringify(form)
    if (Buffer.byteLength(text) <= bytesMax) return text
  }
  return JSON.stringify(last)
}

/**
 * The commit at `offset`, or null when the metadata is not ours or belongs to another offset (written by a reset tool).
 */
export function parseCommit(offset: number, metadata: string): Commit | null {
  const parsed = parseJson(commit, metadata)
  return parsed !== null && parsed.offset === offset ? parsed : null
}

export function parseJson<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
