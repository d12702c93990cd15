/**
 * Every attempt waits here for its part of the quota. An answer that asks for a pause closes the source for everybody in this process before the
 * request's place is given back, so that nobody slips through in between.
 */
import type { Clock } from '../../../shared/clock.ts'
import { waitHint } from './hints.ts'
import type { Limiter } from './limiter.ts'
import type { Layer } from './send.ts'

export type LimitTools = { clock: Clock; limiter: Limiter; onWaited(waitedMs: number): void }

export const limit =
  ({ clock, limiter, onWaited }: LimitTools): Layer =>
  (next) =>
  async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const release = await limiter.take(exchange.signal)
    onWaited(clock.elapsedMs() - startMs)
    try {
      const response = await next(request, exchange)
      const pauseMs = waitHint(response, clock.nowMs())
      if (pauseMs !== null) limiter.closeFor(pauseMs)
      return response
    } finally {
      release()
    }
  }
