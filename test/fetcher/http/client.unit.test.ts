/**
 * The whole client against a real server: the quota over two workers and a hand-over, and what is left when it closes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { Unavailable } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { createClient } from '../../../services/fetcher/http/client.ts'
import type { Holding } from '../../../services/fetcher/http/rate-limit/held-partitions.ts'
import { firstRequest } from '../../../services/fetcher/pages/first-request.ts'
import { fastClock } from '../../support/clocks.ts'
import { inTurn, startServer } from '../../support/http.ts'
import { clientFor, declareSource, streamOf } from './fixture.ts'

const PAGE = { json: { data: [] } }

test('the server counts no more than the quota in any window, over two workers, failures, and partitions that change hands', async (t) => {
  const QUOTA = 20
  const PER_MS = 10_000
  const clock = fastClock({ speed: 20 })
  const arrivals: number[] = []
  const server = await startServer(t, (_asked, number) => {
    arrivals.push(clock.elapsedMs())
    return number % 5 === 0 ? { status: 500 } : PAGE
  })
  const source = declareSource(
    server.url,
    { quota: { requests: QUOTA, per: '10s' }, attemptsMax: 1 },
    { partitions: [{ p: 0 }, { p: 1 }, { p: 2 }] },
  )
  const stream = streamOf(source)

  const work = async (partitions: readonly number[], forMs: number) => {
    const sinceMs = clock.elapsedMs()
    const holding: Holding = { all: 3, mine: new Map(partitions.map((partition) => [partition, sinceMs])) }
    const metrics = createMetrics()
    const client = createClient(source, {
      clock,
      log: silentLog,
      metrics,
      resolver: resolverFor({}),
      holding: () => holding,
    })
    const request = firstRequest(stream, client.baseUrl, 0, null)
    const stop = new AbortController()
    // Three partitions' worth of requests at once, each after the other, until the time is over.
    const going = [0, 1, 2].map(async () => {
      while (clock.elapsedMs() < sinceMs + forMs && !stop.signal.aborted) {
        await client.send(request, { signal: stop.signal, stream: stream.label }).catch(() => undefined)
      }
    })
    await clock.sleep(forMs)
    stop.abort()
    await Promise.all(going)
    await client.close()
  }

  await Promise.all([work([0], 12_000), work([1, 2], 12_000)])
  await Promise.all([work([0, 1], 8_000), work([2], 8_000)])
  await work([0, 1, 2], 12_000)
  let fullest = 0
  for (const from of arrivals)
    fullest = Math.max(fullest, arrivals.filter((atMs) => atMs >= from && atMs < from + PER_MS).length)
  assert.ok(fullest <= QUOTA, `${fullest} in one window`)
  assert.ok(arrivals.length >= QUOTA, `${arrivals.length} in all`)
})

test('closing ends what is under way at once, with no further attempt', async (t) => {
  const server = await startServer(t, inTurn({ take: () => undefined }))
  const { ask, client } = clientFor(t, server.url, { clock: fastClock({ speed: 1 }) })
  const ended = assert.rejects(ask(), (error) => error instanceof Unavailable && error.code === 'HR_CLIENT_CLOSED')
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  await client.close()
  await ended
  assert.equal(server.requests.length, 1)
})

test('a long wait for the quota is told', async (t) => {
  const server = await startServer(t, inTurn(PAGE))
  const { ask, logged } = clientFor(t, server.url, {
    source: { quota: { requests: 1, per: '60s' } },
    clock: fastClock({ speed: 500 }),
  })
  await ask()
  assert.match(logged(), /waiting for the quota/)
})
