/**
 * What an API means by its responses, where it differs from HTTP. Statuses can be retried, end a walk or stop it, and a
 * 2xx can have a body that is an error. What decides first: the stream's function, the stream's lists, the source's
 * function, the source's lists, `failed` of a 2xx, HTTP. A status has one meaning only.
 */
import { z } from 'zod'
import type { DeclarationError } from '../errors.ts'
import { type Judges, judgeFunction } from './judge.ts'
import { type WaitSpec, waitsSpec } from './waits.ts'

/** A 2xx that is a failure. */
export type FailedAnswer = {
  /** What the API says, for the log; no secret, and no value of a record. */
  message: string
  /** True: asked again. False: the run stops with an error. */
  retry: boolean
  /** Milliseconds that the API asks to wait; the response's headers are respected as well. */
  retryAfterMs?: number
}
/** The response that `failed` gets beside its body. */
export type FailedResponse = {
  /** From 200 to 299. */
  status: number
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>
}
/**
 * Pure. A text is an error that a retry does not change; null is a good page. Declared as a method, so that an author
 * may write `(body: { error?: string }) => …`.
 */
export type FailedFunction = {
  failed(body: unknown, answer: FailedResponse): FailedAnswer | string | null | undefined
}['failed']

export const MEANINGS = ['retry', 'skip', 'empty', 'stop'] as const
export type Meaning = (typeof MEANINGS)[number]

/** Followed within one origin, refused otherwise. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
const statuses = z
  .array(
    z
      .int()
      .min(201)
      .max(599)
      .refine((status) => !REDIRECTS.includes(status), 'is a redirect: redirects are followed within one origin only'),
  )
  .optional()

export const answersSpec = z.strictObject({
  /** Statuses that are retried, besides 408, 425, 429 and 5xx: `[403]`. */
  retry: statuses,
  /**
   * Statuses of a page that is skipped: `[451]`. The walk ends before it without a failure, and the next run starts
   * with it. The watermark does not pass it.
   */
  skip: statuses,
  /** Statuses of a page without records that ends the walk, because there is no data: `[404]`. */
  empty: statuses,
  /** Statuses that are never retried: the run stops with an error. */
  stop: statuses,
  /**
   * Pure. Recognises a 2xx that is a failure by its body: `(body: { error?: string }) => body.error ?? null`. A text is
   * an error that stops the run, `{ retry: true, message }` is retried, and null is a good page.
   */
  failed: z
    .custom<FailedFunction>((value) => typeof value === 'function', 'expected a function of the body')
    .optional(),
  /**
   * Pure. Decides about any response, before these lists: `({ status, headers, body }) => …`. It returns `'page'`,
   * `'empty'`, `'skip'`, `'stop'`, `{ retry, message, waitMs }`, or null for the usual rules.
   */
  judge: judgeFunction.optional(),
  /**
   * Where a response that is retried states its wait: `[{ header: 'x-retry-in', unit: 's' }]`. These precede the usual
   * headers.
   */
  waits: waitsSpec.optional(),
})
export type AnswersSpec = z.infer<typeof answersSpec>

export type Answers = {
  meanings: ReadonlyMap<number, Meaning>
  failed: FailedFunction | null
  /** Null if neither stream nor source has a function. */
  judges: Judges | null
  /** Of the stream, or else of its source. */
  waits: readonly WaitSpec[]
}

const NOT_MODIFIED = 304
const EXPIRED_CURSOR: readonly number[] = [400, 404, 410]

type RefuseAnswers = (field: string, what: string, hint: string) => DeclarationError
type Said = {
  answers?: AnswersSpec | undefined
  expiredCursor?: number[] | undefined
  /** Of a stream whose walks delete. */
  deletes?: unknown
}

/**
 * Statuses without a rule mean what HTTP says. An expired cursor is one that no other rule claims. `conditional`: 304
 * says that nothing has changed. Throws what `refuse` makes.
 */
export function answersOf(
  source: AnswersSpec | undefined,
  stream: Said,
  refuse: RefuseAnswers,
  conditional = false,
): { answers: Answers; expiredCursor: readonly number[] } {
  const own = meaningsOf(stream.answers, refuse)
  const both = stream.expiredCursor?.find((status) => own.has(status))
  if (both !== undefined) {
    throw refuse(
      `answers.${own.get(both)}`,
      `${both} is also in expiredCursor`,
      'remove it from one of them: a status has one meaning',
    )
  }
  const meanings = new Map(
    [...meaningsOf(source, refuse)]
      .filter(([status]) => stream.expiredCursor?.includes(status) !== true)
      .concat([...own]),
  )
  if (conditional && !meanings.has(NOT_MODIFIED)) meanings.set(NOT_MODIFIED, 'empty')
  return {
    answers: {
      meanings,
      failed: stream.answers?.failed ?? source?.failed ?? null,
      judges: judgesOf(source, stream, own),
      waits: stream.answers?.waits ?? source?.waits ?? [],
    },
    expiredCursor: stream.expiredCursor ?? EXPIRED_CURSOR.filter((status) => !meanings.has(status)),
  }
}

function judgesOf(
  source: AnswersSpec | undefined,
  { answers, expiredCursor = [], deletes }: Said,
  own: ReadonlyMap<number, Meaning>,
): Judges | null {
  const [ofStream, ofSource] = [answers?.judge ?? null, source?.judge ?? null]
  if (ofStream === null && ofSource === null) return null
  const statuses = new Set([...own.keys(), ...expiredCursor])
  return { stream: ofStream, ofStream: statuses, source: ofSource, mayBeEmpty: deletes === undefined }
}

/** Throws what `refuse` makes for a status with two meanings. */
export function meaningsOf(spec: AnswersSpec | undefined, refuse: RefuseAnswers): Map<number, Meaning> {
  const meanings = new Map<number, Meaning>()
  for (const meaning of MEANINGS) {
    for (const status of spec?.[meaning] ?? []) {
      const other = meanings.get(status)
      if (other !== undefined) {
        const what = other === meaning ? `${status} is named twice` : `${status} is also in answers.${other}`
        throw refuse(`answers.${meaning}`, what, 'remove it from one of them: a status has one meaning')
      }
      meanings.set(status, meaning)
    }
  }
  return meanings
}
