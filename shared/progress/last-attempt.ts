/**
 * The last attempt of a partition, as offset metadata of a group without members. It says how the run ended, why, and
 * since when the partition has been failing. `status`, readiness and metrics report it, so a failing stream is never
 * green because of an old success. Guarantees one line of text, shorter than a broker's limit. Assumes that texts
 * contain no secrets.
 */
import { z } from 'zod'
import { type Attention, attention } from './attention.ts'

export const ATTEMPT_OUTCOMES = ['done', 'failed', 'parked', 'skipped'] as const

export const lastAttempt = z.object({
  v: z.literal(1),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  /** When it ended, epoch milliseconds. Names the attempt for a release. */
  atMs: z.int(),
  /** A stable error code (`HR_…`), one line, and what to do; of an attempt that failed or was parked. */
  code: z.string().optional(),
  message: z.string().optional(),
  hint: z.string().optional(),
  /** End of the last run that was done; null when none is known. */
  lastSuccessMs: z.int().nullable(),
  /** End of the first attempt after the last success that failed or was parked; null when the last one did neither. */
  failingSinceMs: z.int().nullable(),
  /** Attempts in a row that failed or were parked. */
  failures: z.int().min(0),
  /** The API wants no request before this time, epoch milliseconds. */
  parkedUntilMs: z.number().optional(),
  /** The pause applies to the whole source, not to the quota of some paths. */
  wholeSource: z.literal(true).optional(),
  attention: z.array(attention.extend({ kind: z.string() })).optional(),
  /** When a service tries again; absent for a run that nothing repeats. */
  nextMs: z.number().optional(),
})
export type LastAttempt = z.infer<typeof lastAttempt>

/** A person released the pause for one attempt: the API may be called before the time that it named. */
export const release = z.object({ v: z.literal(1), attemptMs: z.int(), atMs: z.int() })
export type Release = z.infer<typeof release>

export type EndedAttempt = {
  outcome: LastAttempt['outcome']
  atMs: number
  error?: { code: string; message: string; hint?: string | undefined }
  parkedUntilMs?: number
  wholeSource?: boolean
  attention?: readonly Attention[]
}

/** The broker's offset.metadata.max.bytes is 4096 by default; longer metadata refuses the whole commit. */
export const ATTEMPT_BYTES_MAX = 4000
export const MESSAGE_CHARS_MAX = 400
const CODE_CHARS_MAX = 64
/** In place of a text that does not fit: a character can take six bytes in JSON. */
const SHORT_CHARS_MAX = 80

/** Pure. */
export function attemptAfter(before: LastAttempt | null, ended: EndedAttempt): LastAttempt {
  const { outcome, atMs, error } = ended
  const isFailing = outcome === 'failed' || outcome === 'parked'
  return {
    v: 1,
    outcome,
    atMs,
    ...(error === undefined ? {} : textsOf(error)),
    lastSuccessMs: outcome === 'done' ? atMs : (before?.lastSuccessMs ?? null),
    failingSinceMs: isFailing ? (before?.failingSinceMs ?? atMs) : null,
    failures: isFailing ? (before?.failures ?? 0) + 1 : 0,
    ...(ended.parkedUntilMs === undefined ? {} : { parkedUntilMs: ended.parkedUntilMs }),
    ...(ended.wholeSource === true ? { wholeSource: true as const } : {}),
    ...(ended.attention === undefined || ended.attention.length === 0
      ? {}
      : { attention: ended.attention.map(({ kind, message }) => ({ kind, message: oneLine(message) })) }),
  }
}

function textsOf({
  code,
  message,
  hint,
}: NonNullable<EndedAttempt['error']>): Pick<LastAttempt, 'code' | 'message' | 'hint'> {
  return {
    code: code.slice(0, CODE_CHARS_MAX),
    message: oneLine(message),
    ...(hint === undefined ? {} : { hint: oneLine(hint) }),
  }
}

/** Long texts end with `…`; half a surrogate pair would not be UTF-8. */
export function oneLine(text: string, charsMax = MESSAGE_CHARS_MAX): string {
  const line = text
    .slice(0, charsMax * 4)
    .replace(/\s+/g, ' ')
    .trim()
  return (line.length <= charsMax ? line : `${line.slice(0, charsMax - 1)}…`).toWellFormed()
}

/** What does not fit is dropped: first the hint, then all texts are shortened, then the attention is dropped. */
export function attemptText(value: LastAttempt): string {
  const { hint: _, ...needed } = value
  const short = (text: string) => oneLine(text, SHORT_CHARS_MAX)
  const { attention: kept, ...bare } = {
    ...needed,
    ...(value.message === undefined ? {} : { message: short(value.message) }),
  }
  const brief = {
    ...bare,
    ...(kept === undefined ? {} : { attention: kept.map((each) => ({ ...each, message: short(each.message) })) }),
  }
  const texts = [value, needed, brief, bare].map((each) => JSON.stringify(each))
  return texts.find((text) => Buffer.byteLength(text) <= ATTEMPT_BYTES_MAX) ?? JSON.stringify(bare)
}

export const parseAttempt = (metadata: string): LastAttempt | null => parsed(lastAttempt, metadata)

export const releaseText = (value: Release): string => JSON.stringify(value)

export const parseRelease = (metadata: string): Release | null => parsed(release, metadata)

/** Until when the partition waits, epoch milliseconds. Null when it does not, or a person released it. */
export function parkedUntil(attempt: LastAttempt | null, released: Release | null, nowMs: number): number | null {
  if (attempt === null || attempt.outcome !== 'parked' || attempt.parkedUntilMs === undefined) return null
  // By the attempt, not by the time: a pause that the API requests again after a release is a new one.
  if (released?.attemptMs === attempt.atMs) return null
  return attempt.parkedUntilMs > nowMs ? attempt.parkedUntilMs : null
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const result = schema.safeParse(JSON.parse(text))
    return result.success ? result.data : null
  } catch {
    return null
  }
}
