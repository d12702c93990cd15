/**
 * The ways in which APIs fail, one answer each: limits with every kind of hint, errors, damage, broken connections.
 * Each has its share of all requests. `told` gets how long the client has to wait by the answer, so that an API can
 * note what comes too early.
 */
import type { ServerResponse } from 'node:http'
import { SECOND_MS } from '#shared/units.ts'

export type WayTools = { nowMs(): number; page(): string; told(waitMs: number): void }
export type WayKind = 'limits' | 'errors' | 'damage' | 'resets'
export type FailingWay = {
  name: string
  kind: WayKind
  share: number
  give(response: ServerResponse, tools: WayTools): void
}

/** More than a client with `bodyBytesMax` of half of it takes. */
const OVERSIZE_CHARS = 100_000

/** `waitShare`: of the waits that the answers ask for; each is a whole second at least. */
export function failingWays(waitShare = 1): readonly FailingWay[] {
  const s = (seconds: number): number => Math.max(1, Math.round(seconds * waitShare))
  const way = (kind: WayKind, name: string, share: number, give: FailingWay['give']) => ({ kind, name, share, give })
  const limit = (name: string, share: number, waitS: number, headers: Headers) =>
    way('limits', name, share, limited(headers, waitS * SECOND_MS))
  return [
    limit('429 with seconds', 0.02, s(20), () => ({ 'retry-after': String(s(20)) })),
    // The date has no milliseconds: its second may be cut off.
    limit('429 with a date', 0.02, s(30), (now) => ({ 'retry-after': dateOf(now + (s(30) + 1) * SECOND_MS) })),
    limit('429 with a date that is past', 0.01, 0, (now) => ({ 'retry-after': dateOf(now - 60 * SECOND_MS) })),
    limit('429 with a negative wait', 0.01, 0, () => ({ 'retry-after': '-5' })),
    limit('429 with no number', 0.01, 0, () => ({ 'retry-after': 'soon' })),
    limit('429 without a hint', 0.02, 0, () => ({})),
    limit('429 with RateLimit', 0.01, s(15), () => ({
      ratelimit: `"burst";r=0;t=${s(15)}, "day";r=900;t=3600`,
      'ratelimit-policy': `"burst";q=10;w=${s(15)}`,
    })),
    limit('429 with two hints', 0.01, s(25), () => ({
      'retry-after': String(s(5)),
      ratelimit: `"burst";r=0;t=${s(25)}`,
    })),
    limit('429 with a reset in epoch seconds', 0.01, s(20), (now) => ({
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil((now + s(20) * SECOND_MS) / SECOND_MS)),
    })),
    limit('429 with a reset in epoch milliseconds', 0.01, s(12) - 1, (now) => ({
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(now + s(12) * SECOND_MS),
    })),
    limit('429 with a reset as a delta', 0.01, s(18), () => ({
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(s(18)),
    })),
    way(
      'limits',
      '503 with a wait',
      0.01,
      limited(() => ({ 'retry-after': String(s(10)) }), s(10) * SECOND_MS, 503),
    ),
    way('errors', '503', 0.02, (response, { nowMs }) => respond(response, nowMs(), 503, 'busy')),
    way('errors', '500', 0.02, (response, { nowMs }) => respond(response, nowMs(), 500, '{"error":"oops"}')),
    way('damage', 'HTML', 0.02, (response, { nowMs }) =>
      respond(response, nowMs(), 200, '<html>maintenance</html>', { 'content-type': 'text/html' }),
    ),
    way('damage', 'cut JSON', 0.02, (response, { nowMs, page }) =>
      respond(response, nowMs(), 200, page().slice(0, -10)),
    ),
    way('resets', 'reset in the body', 0.02, (response, { nowMs, page }) => {
      const text = page()
      response.writeHead(200, { ...headersOf(nowMs()), 'content-length': Buffer.byteLength(text) })
      response.write(text.slice(0, text.length / 2), () => response.socket?.destroy())
    }),
    way('damage', 'a body over the bound', 0.005, (response, { nowMs }) =>
      respond(response, nowMs(), 200, JSON.stringify({ data: 'x'.repeat(OVERSIZE_CHARS) })),
    ),
    way('resets', 'reset before an answer', 0.01, (response) => void response.socket?.destroy()),
  ]
}

type Headers = (nowMs: number) => Record<string, string>

/** An answer after which the client has to wait. */
export const limited =
  (headers: Headers, waitMs: number, status = 429) =>
  (response: ServerResponse, { nowMs, told }: WayTools): void => {
    respond(response, nowMs(), status, '{}', headers(nowMs()))
    told(waitMs)
  }

export function respond(
  response: ServerResponse,
  nowMs: number,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headersOf(nowMs), ...headers }).end(body)
}

const headersOf = (nowMs: number): Record<string, string> => ({
  'content-type': 'application/json',
  date: dateOf(nowMs),
})

const dateOf = (ms: number): string => new Date(ms).toUTCString()
