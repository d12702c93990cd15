/**
 * Every attempt waits here for its part of the quotas. A response that asks for a pause closes what it counts against,
 * for all requests of this process. That happens before the request's place is released, so no request slips through in
 * between.
 */
import type { Clock } from '#shared/clock.ts'
import { RecordStream } from '../decode/record-stream.ts'
import type { Layer, PageRequest } from '../messages.ts'
import type { Limiter } from '../rate-limit/limiter.ts'
import type { RequestCost } from '../rate-limit/request-cost.ts'

export type LimitTools = { clock: Clock; limiter: Limiter; onWaited(waitedMs: number): void }

const FREE = { charges: [], apart: false }

/** What the request costs, computed before the credentials are added: a weight function must not see them. */
export const cost =
  (costOfRequest: (request: PageRequest, stream: string) => RequestCost): Layer =>
  (next) =>
  async (request, exchange) =>
    next(request, { ...exchange, cost: costOfRequest(request, exchange.stream) })

export const limit =
  ({ clock, limiter, onWaited }: LimitTools): Layer =>
  (next) =>
  async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const spends = exchange.cost ?? FREE
    const release = await limiter.take(spends, exchange.signal)
    onWaited(clock.elapsedMs() - startMs)
    let isStreamed = false
    try {
      const response = await next(request, exchange)
      // A request is under way until its last byte.
      if (response.body instanceof RecordStream) isStreamed = response.body.onEnd(release)
      const pauseMs = response.verdict?.waitMs ?? null
      if (pauseMs !== null) limiter.closeFor(pauseMs, spends)
      return response
    } finally {
      if (!isStreamed) release()
    }
  }
