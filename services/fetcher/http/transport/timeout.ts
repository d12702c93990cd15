/**
 * Bounds one attempt, headers and body together. Lies inside the rate-limit layer, so waiting for the quota does not
 * count.
 */
import type { Clock } from '#shared/clock.ts'
import { AttemptFailed } from '../errors.ts'
import type { Layer } from '../messages.ts'

export const timeout =
  (timeoutMs: number, clock: Clock): Layer =>
  (next) =>
  (request, exchange) =>
    withTimeout(timeoutMs, clock, exchange.signal, (signal) => next(request, { ...exchange, signal }))

/** An abort without a reason would create an error with its stack for each page. */
const DONE = new Error('done')

/** Runs `task` with a signal that also aborts after `timeoutMs`, then with AttemptFailed as its reason. */
export async function withTimeout<T>(
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const done = new AbortController()
  clock.sleep(timeoutMs, done.signal).then(
    () => late.abort(new AttemptFailed('timeout', `no complete answer within ${timeoutMs} ms`)),
    () => undefined,
  )
  try {
    return await task(AbortSignal.any([signal, late.signal]))
  } finally {
    done.abort(DONE)
  }
}
