/**
 * The dead letters of a topic as a person and a replay see them: open or done. A dead letter is done when a later
 * message of the same partition says so (`doneHeaders`). Nothing is ever removed; retention does that. So reading a
 * partition to its end gives the state of every dead letter that was read.
 */
import type { RawMessage } from '../kafka/kafka.ts'
import {
  type DeadLetterFacts,
  type DeadLetterStage,
  doneRanges,
  type OffsetRange,
  parseDeadLetterHeaders,
  singleHeaders,
} from './frame.ts'

export type Letter = DeadLetterFacts & {
  partition: number
  offset: number
  /** When its record was fetched, epoch milliseconds. */
  atMs: number
  bytes: number
  replays: number
}

/** A message of the topic: a dead letter, or the ranges of those that are done. */
export type LetterMessage = { letter: Letter } | { done: OffsetRange[] }

export function readLetter(partition: number, { offset, timestamp, value, headers }: RawMessage): LetterMessage {
  const done = doneRanges(headers)
  if (done !== null && value === null) return { done }
  const facts = parseDeadLetterHeaders(singleHeaders(headers))
  return {
    letter: {
      ...facts,
      partition,
      offset: Number(offset),
      atMs: facts.fetched ?? Number(timestamp),
      bytes: value?.length ?? 0,
      replays: facts.replays ?? 0,
    },
  }
}

/** An absent field matches everything. */
export type LetterFilter = {
  reasons?: readonly string[]
  stages?: readonly DeadLetterStage[]
  run?: string
  /** Fetched at or after, and before, epoch milliseconds. */
  sinceMs?: number
  untilMs?: number
  partition?: number
  /** A single dead letter. */
  at?: { partition: number; offset: number }
}

export function matches(
  { reasons, stages, run, sinceMs, untilMs, partition, at }: LetterFilter,
  letter: Letter,
): boolean {
  return (
    (reasons === undefined || reasons.includes(letter.reason)) &&
    (stages === undefined || stages.includes(letter.stage)) &&
    (run === undefined || run === letter.run) &&
    (sinceMs === undefined || letter.atMs >= sinceMs) &&
    (untilMs === undefined || letter.atMs < untilMs) &&
    (partition === undefined || partition === letter.partition) &&
    (at === undefined || (at.partition === letter.partition && at.offset === letter.offset))
  )
}

export const isDoneBy = (ranges: readonly OffsetRange[], offset: number): boolean =>
  ranges.some(([from, to]) => offset >= from && offset < to)
