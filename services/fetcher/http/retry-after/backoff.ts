/**
 * How long to wait before a retry when the API does not say: 2^n + random() seconds. The random part keeps two workers
 * from returning together.
 */
import type { Clock } from '#shared/clock.ts'

const SECOND_MS = 1000
/** Added to a wait that the API named: never earlier than asked, and not all workers in the same instant. */
const AFTER_HINT_JITTER_MS = 250

/** `failures` counts from 1. At most `waitMaxMs`. */
export function backoffMs(failures: number, waitMaxMs: number, clock: Clock): number {
  const jitterMs = Math.min(SECOND_MS, waitMaxMs)
  return Math.min(2 ** (failures - 1) * SECOND_MS, waitMaxMs - jitterMs) + clock.random() * jitterMs
}

export const afterHintMs = (hintMs: number, clock: Clock): number => hintMs + clock.random() * AFTER_HINT_JITTER_MS
