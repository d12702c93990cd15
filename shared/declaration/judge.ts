/** A function of an author that says what a response means, by its status, headers and body. */
import { z } from 'zod'

/**
 * `headers`: with lower-case names. `body`: parsed if it is JSON, else its text; null for 204 and 205. Of a status
 * outside 2xx too.
 */
export type JudgedResponse = { status: number; headers: Readonly<Record<string, string>>; body: unknown }
/** `waitMs`: milliseconds until the next attempt; without it, the declared waits and the usual headers apply. */
export type JudgedFailure = { retry: boolean; message: string; waitMs?: number }
/** Null or undefined: the usual rules apply. */
export type Judgement = 'page' | 'empty' | 'skip' | 'stop' | JudgedFailure | null | undefined
/** Pure. */
export type JudgeFunction = (response: JudgedResponse) => Judgement

export const judgeFunction = z.custom<JudgeFunction>(
  (value) => typeof value === 'function',
  'expected a function of { status, headers, body }',
)

/** The functions of a stream and of its source, and what decides between them. */
export type Judges = {
  stream: JudgeFunction | null
  /** The statuses that the stream names: its source's function does not see them. */
  ofStream: ReadonlySet<number>
  source: JudgeFunction | null
  /** False: an empty page would delete every row. */
  mayBeEmpty: boolean
}
