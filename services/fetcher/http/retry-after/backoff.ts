/**
 * How long to wait before a retry when the API does not say: 2^n + random() seconds. The random part keeps two workers
 * from returning together.
 */

import { backoffWithAddedJitterMs } from '#shared/backoff.ts'
import type { Clock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'

/** Added to a wait that the API named: never earlier than asked, and not all workers in the same instant. */
const AFTER_HINT_JITTER_MS = 250

/** `failures` counts from 1. At most `waitMaxMs`. */
export const unnamedWaitMs = (failures: number, waitMaxMs: number, clock: Clock): number =>
  backoffWithAddedJitterMs({ firstMs: SECOND_MS, maxMs: waitMaxMs, failures }, SECOND_MS, clock.random())

export const afterHintMs = (hintMs: number, clock: Clock): number => hintMs + clock.random() * AFTER_HINT_JITTER_MS
