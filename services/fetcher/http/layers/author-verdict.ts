/**
 * What the author's own function says of a response: `answers.judge` of the stream, then of its source. A function that
 * throws, or that returns something else, stops the run: a page that may be an error must not be taken for records.
 */
import type { Answers } from '#shared/declaration/answers.ts'
import type { JudgedFailure, JudgedResponse, JudgeFunction } from '#shared/declaration/judge.ts'
import { messageOf } from '#shared/errors.ts'
import { shownText } from '#shared/shown.ts'
import { excerptOf } from '../describe.ts'
import type { ResponseClass } from '../messages.ts'

const KINDS = ['page', 'empty', 'skip', 'stop'] as const
type Kind = (typeof KINDS)[number]

const RETURNS = "answers.judge returns 'page', 'empty', 'skip', 'stop', { retry, message, waitMs } or null"
const VALUE_CHARS_MAX = 60

/** `body`: the whole one, also of a refusal. Null: the usual rules apply. */
export function authorVerdict({ judges }: Answers, response: JudgedResponse): ResponseClass | null {
  if (judges === null) return null
  const { status, headers, body } = response
  const facts = { status, headers, body }
  const verdict = judges.stream === null ? null : saidBy(judges.stream, facts)
  if (verdict !== null) return allowed(verdict, judges.mayBeEmpty)
  if (judges.source === null || judges.ofStream.has(status)) return null
  const ofSource = saidBy(judges.source, facts)
  return ofSource === null ? null : allowed(ofSource, judges.mayBeEmpty)
}

function saidBy(judge: JudgeFunction, facts: JudgedResponse): ResponseClass | null {
  let found: unknown
  try {
    found = judge(facts)
  } catch (error) {
    return fault(`answers.judge throws: ${messageOf(error)}`)
  }
  if (found === null || found === undefined) return null
  if (isKind(found)) return { kind: found, says: null, waitMs: null, declared: true }
  if (!isFailure(found)) return fault(`answers.judge returned ${shownValue(found)}`)
  const { retry, message, waitMs = null } = found
  return { kind: retry ? 'retry' : 'stop', says: excerptOf(message), waitMs, declared: true }
}

const fault = (says: string): ResponseClass => ({
  ...{ kind: 'stop', says: excerptOf(says), waitMs: null, declared: true },
  mistake: `correct the function: it gets { status, headers, body }; ${RETURNS}`,
})

/** Without records, a complete walk deletes all rows. */
function allowed(verdict: ResponseClass, mayBeEmpty: boolean): ResponseClass {
  if (verdict.kind !== 'empty' || mayBeEmpty) return verdict
  return {
    ...{ kind: 'stop', says: "answers.judge says 'empty', which would mark every row deleted", waitMs: null },
    ...{ declared: true, mistake: "let it return 'skip', which marks nothing; or take deletes away" },
  }
}

const isKind = (found: unknown): found is Kind => KINDS.some((kind) => kind === found)

function isFailure(found: unknown): found is JudgedFailure {
  const { retry, message, waitMs = 0 }: Partial<JudgedFailure> = Object(found)
  return typeof retry === 'boolean' && typeof message === 'string' && Number.isFinite(waitMs) && waitMs >= 0
}

/** A value can be a part of the body: only short ones are shown. */
function shownValue(found: unknown): string {
  if (typeof found === 'string') return `"${shownText(found.slice(0, VALUE_CHARS_MAX))}"`
  if (found instanceof Promise) return 'a promise'
  if (typeof found !== 'object' || found === null) return String(found)
  const names = Object.keys(found).slice(0, 5).join(', ')
  return Array.isArray(found) ? 'a list' : `an object of ${names === '' ? 'nothing' : shownText(names)}`
}
