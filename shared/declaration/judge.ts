/** A function of an author that says what a response means, by its status, headers and body. */
import { z } from 'zod'

/** Any response, of a status outside 2xx too. `Body`: what the author expects, such as `{ code?: string }`. */
export type JudgedResponse<Body = unknown> = {
  /** The HTTP status. */
  status: number
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>
  /** Parsed if it is JSON, else its text; null for 204 and 205. Outside 2xx, at most its first 64 KiB. */
  body: Body
}
/** A response that is an error. */
export type JudgedFailure = {
  /** True: asked again. False: the run stops with an error. */
  retry: boolean
  /** What the API says, for the log; no secret, and no value of a record. */
  message: string
  /** Milliseconds until the next attempt; without it, the declared waits and the usual headers apply. */
  waitMs?: number
}
/** Null or undefined: the usual rules apply. */
export type Judgement = 'page' | 'empty' | 'skip' | 'stop' | JudgedFailure | null | undefined
/** Pure. Declared as a method, so that an author may write `({ body }: JudgedResponse<{ code?: string }>) => …`. */
export type JudgeFunction = { judge(response: JudgedResponse): Judgement }['judge']

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
