/**
 * Which slices a stream has now. One discovery serves all partitions of this worker. Only one runs at a time, and its
 * result is reused for a short while. So the partitions of one tick do not query the API one by one.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { PageRefused } from '../http/errors.ts'
import { type Send, vettedAs } from '../http/messages.ts'
import { NO_COSTS, type RequestCosts, sumOfCosts } from '../http/request-costs.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { DiscoveryTools } from './discovery-tools.ts'
import { findValues, refuseLacking } from './find-values.ts'
import { type Discovery, type FoundSlices, sliceOf, spread } from './slice.ts'

/** How long a result is valid for the other partitions of the worker. */
const FOUND_AGE_MAX_MS = 15_000

/**
 * `find` throws Stopped for a function that is wrong or whose request is refused, and any other error of the client.
 */
export function createDiscovery(tools: Omit<DiscoveryTools, 'discoveryOf'>): Discovery {
  const { clock } = tools
  let kept: { since: string | null; found: FoundSlices; atMs: number } | null = null
  /** By the position that is asked for: one for each partition at most. */
  const flights = new Map<string | null, Promise<FoundSlices>>()

  async function ask(since: string | null, stop: Stop): Promise<FoundSlices> {
    const found = await findSlices(tools, since, stop)
    kept = { since, found, atMs: clock.elapsedMs() }
    return found
  }

  return {
    async find(stop, since = null) {
      if (kept !== null && kept.since === since && clock.elapsedMs() - kept.atMs < FOUND_AGE_MAX_MS)
        return { ...kept.found, cost: NO_COSTS }
      const flight = flights.get(since)
      if (flight !== undefined) return { ...(await flight), cost: NO_COSTS }
      const own = ask(since, stop)
      flights.set(since, own)
      try {
        return await own
      } finally {
        flights.delete(since)
      }
    },
  }
}

async function findSlices(
  given: Omit<DiscoveryTools, 'discoveryOf'>,
  since: string | null,
  stop: Stop,
): Promise<FoundSlices> {
  const { stream } = given
  const cost = { ...NO_COSTS }
  const own = { ...given, send: counting(given.send, cost) }
  const tools = { ...own, discoveryOf: (parent: Stream) => createDiscovery({ ...own, stream: parent }) }
  if (stream.discovery === null) return { slices: [], cost }
  const startedMs = given.clock.nowMs()
  try {
    const { values: found, reached } = await findValues(tools, stream.discovery, since, stop)
    refuseLacking(stream, found)
    const slices = found.map((each) => sliceOf(stream, each.values, each))
    return {
      ...{ slices: spread(stream, slices), cost },
      ...(reached === undefined ? {} : { parents: { reached, startedMs } }),
    }
  } catch (error) {
    // A refused request here is not an expired cursor.
    if (!(error instanceof PageRefused)) throw error
    throw new Stopped('HR_DISCOVERY', `${stream.label}: discovering its slices failed: ${error.message}`, {
      hint: error.hint,
      cause: error,
    })
  }
}

function counting(send: Send, cost: RequestCosts): Send {
  return vettedAs(send, async (request, exchange) => {
    const response = await send(request, exchange)
    Object.assign(cost, sumOfCosts(cost, response))
    return response
  })
}
