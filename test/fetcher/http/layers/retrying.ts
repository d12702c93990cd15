/** Answers to a request that is repeated, and the waits between its attempts. */
import type { Answer } from '../../../support/http.ts'
import { TIMEOUT_MS } from '../fixture.ts'

export const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }

export const DOWN: Answer = { status: 503, body: 'down for a moment' }

/** The waits between attempts; those for the time limit of each attempt are omitted. */
export const waits = (slept: readonly number[]): number[] => slept.filter((ms) => ms !== TIMEOUT_MS)
