/** Answers to a request that is repeated, and the waits between its attempts. */
import type { Answer } from '../../../support/http.ts'
import { TIMEOUT_MS } from '../fixture.ts'

export const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }

export const DOWN: Answer = { status: 503, body: 'down for a moment' }

/** The waits between attempts; each attempt also begins a wait for its time limit, which is left out here. */
export const waits = (slept: readonly number[]): number[] => slept.filter((ms) => ms !== TIMEOUT_MS)
