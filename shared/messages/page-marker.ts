/**
 * The marker that ends a page in a records topic. It has a null value and its facts in one header, so other consumers
 * can skip it.
 */
import { z } from 'zod'
import { VERSION } from '../version.ts'
import { boundedWatermark } from '../watermark.ts'

/** Not `headrace-page`: that is a dead letter's header for the number of its page. */
export const MARKER_HEADER = 'headrace-marker'
/** The version of the program that wrote the marker: for people who look for what an upgrade has changed. */
const VERSION_HEADER = 'headrace-version'

/**
 * Anyone who may write to the topic can write a marker. A field without a bound here could stop the loader at a limit
 * of its own.
 */
const MARKER_BYTES_MAX = 64 * 1024
const RUN_CHARS_MAX = 100
const SHARE_CHARS_MAX = 40
/** The limits of the ledger's columns: UInt32, and the instants of a DateTime64. */
const COUNT_MAX = 2 ** 32 - 1
const INSTANT_MAX_MS = 10_413_791_999_999

/** ClickHouse cannot read half of a surrogate pair. */
const markerText = (charsMax: number) =>
  z
    .string()
    .max(charsMax)
    .refine((text) => text.isWellFormed(), 'is not Unicode text')
const count = () => z.int().min(0).max(COUNT_MAX)

/** The facts of one published page. `watermark` is set only when it is safe to confirm up to it. */
export const pageMarker = z.object({
  v: z.literal(1),
  run: markerText(RUN_CHARS_MAX),
  page: count().min(1),
  /** Fetch time, epoch milliseconds. */
  at: z.int().min(0).max(INSTANT_MAX_MS),
  records: count(),
  deadLetters: count(),
  /** Records that were received again unchanged and were not published. */
  unchanged: count(),
  drift: count(),
  /** Records that the declaration's `filter` or `map` dropped. */
  leftOut: count().optional(),
  /** Attempts that this page took, and how many of them were retries. */
  requests: count(),
  retries: count(),
  bytes: z.int().min(0),
  durationMs: count(),
  /** A long text is cut, since no commit has room for it; see `boundedWatermark`. */
  watermark: markerText(MARKER_BYTES_MAX).transform(boundedWatermark).nullable(),
  /** The scope of the watermark (`shareId`). */
  share: markerText(SHARE_CHARS_MAX).optional(),
  /**
   * Records below this offset that the log lost were requested from the API again before this page. So its watermark
   * covers them too.
   */
  coveredBelow: z.int().min(0).optional(),
  /** True on the marker that ends the run. */
  last: z.boolean(),
  /**
   * The run fetched all that its partition has. Its records start at offset `from` and are later than `startedMs`;
   * earlier rows are older.
   */
  complete: z
    .object({
      from: z.int().min(0),
      startedMs: z.int(),
      /**
       * A person has released this one walk (`fetch --allow-deletes`): it may delete more than the bounds of `deletes`.
       */
      allowed: z.literal(true).optional(),
    })
    .optional(),
})
export type PageMarker = z.infer<typeof pageMarker>

export const markerHeaders = (marker: PageMarker): Record<string, string> => ({
  [MARKER_HEADER]: JSON.stringify(marker),
  [VERSION_HEADER]: VERSION,
})

/** Returns null for a header that is not one of our markers. */
export function parseMarker(header: Buffer | string | undefined): PageMarker | null {
  return header === undefined ? null : (markerIn(header).marker ?? null)
}

/** What is wrong with a marker's header, for its dead letter. */
export const markerMistake = (header: Buffer | string): string => markerIn(header).mistake ?? 'nothing'

function markerIn(header: Buffer | string): { marker?: PageMarker; mistake?: string } {
  const bytes = Buffer.byteLength(header)
  if (bytes > MARKER_BYTES_MAX) return { mistake: `it has ${bytes} bytes, more than ${MARKER_BYTES_MAX}` }
  try {
    const parsed = pageMarker.safeParse(JSON.parse(header.toString()))
    if (parsed.success) return { marker: parsed.data }
    const [issue] = parsed.error.issues
    return { mistake: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is of another form'}` }
  } catch {
    return { mistake: 'it is not JSON' }
  }
}
