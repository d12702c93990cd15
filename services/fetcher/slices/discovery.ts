/**
 * Which slices a stream has now: from the author's function, or from the records of the parent stream. One discovery
 * serves all partitions of this worker. Only one runs at a time, and its result is reused for a short while. So the
 * partitions of one tick do not query the API one by one.
 */
import { z } from 'zod'
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { JSON_BODY } from '#shared/declaration/decode.ts'
import type { DiscoverFunction, ParentFunction } from '#shared/declaration/discovery.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import { PageRefused } from '../http/errors.ts'
import { type Send, vettedAs } from '../http/messages.ts'
import { createAuthorRequests } from '../pages/author-requests.ts'
import { firstRequest } from '../pages/first-request.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import { parentRecords } from './parent-stream.ts'
import { type Discovery, type DiscoveryCost, type FoundSlices, NO_COST, type Slice, sliceOf, spread } from './slice.ts'

export type DiscoveryTools = { stream: Stream; baseUrl: string; send: Send; clock: Clock; log: Log }

/** How long a result is valid for the other partitions of the worker. */
const FOUND_AGE_MAX_MS = 15_000
const PATH_HINT = 'name a path or a url: request({ path: "/accounts" })'

const valueSets = z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))

/**
 * `find` throws Stopped for a function that is wrong or whose request is refused, and any other error of the client.
 */
export function createDiscovery(tools: DiscoveryTools): Discovery {
  const { clock } = tools
  let kept: { slices: FoundSlices['slices']; atMs: number } | null = null
  let flight: Promise<FoundSlices> | null = null

  async function ask(stop: Stop): Promise<FoundSlices> {
    const found = await findSlices(tools, stop)
    kept = { slices: found.slices, atMs: clock.elapsedMs() }
    return found
  }

  return {
    async find(stop) {
      if (kept !== null && clock.elapsedMs() - kept.atMs < FOUND_AGE_MAX_MS)
        return { slices: kept.slices, cost: NO_COST }
      if (flight !== null) return { slices: (await flight).slices, cost: NO_COST }
      flight = ask(stop)
      try {
        return await flight
      } finally {
        flight = null
      }
    },
  }
}

async function findSlices(tools: DiscoveryTools, stop: Stop): Promise<FoundSlices> {
  const { stream } = tools
  const cost = { ...NO_COST }
  const send = counting(tools.send, cost)
  try {
    const found =
      stream.discovery?.kind === 'parent'
        ? await byParent({ ...tools, send }, stop)
        : await byFunction({ ...tools, send }, stop)
    return { slices: spread(stream, checked(stream, found)), cost }
  } catch (error) {
    // A refused request here is not an expired cursor.
    if (!(error instanceof PageRefused)) throw error
    throw new Stopped('HR_DISCOVERY', `${stream.label}: discovering its slices failed: ${error.message}`, {
      hint: error.hint,
      cause: error,
    })
  }
}

function counting(send: Send, cost: DiscoveryCost): Send {
  return vettedAs(send, async (request, exchange) => {
    const response = await send(request, exchange)
    cost.attempts += response.attempts
    cost.retries += response.retries
    cost.bytes += response.bytes
    cost.durationMs += response.durationMs
    return response
  })
}

async function byFunction({ stream, baseUrl, send }: DiscoveryTools, stop: Stop): Promise<unknown> {
  const asked = createAuthorRequests({
    ...{ stream, send, stop, decode: JSON_BODY },
    own({ path, url }) {
      if (path === undefined && url === undefined) throw wrong(stream, 'makes a request without a path', PATH_HINT)
      return firstRequest(bare(stream, path ?? '/'), baseUrl, 0, null)
    },
    wrong: (what) => wrong(stream, what),
  })
  const { discovery } = stream
  const values: DiscoverFunction = discovery?.kind === 'discover' ? discovery.values : () => []
  stop.soft.throwIfAborted()
  try {
    return await values({ request: asked.request })
  } catch (error) {
    // An error of the client decides what the run does; any other error is a mistake in the author's function.
    if (asked.failed(error) || error instanceof Stopped || stop.soft.aborted) throw error
    throw wrong(stream, `throws: ${messageOf(error)}`)
  }
}

/** The source's own address and headers, without the stream's request. */
const bare = (stream: Stream, path: string): Stream => ({
  ...stream,
  ...{
    method: 'GET',
    path,
    params: {},
    headers: {},
    body: undefined,
    form: undefined,
    paginate: { kind: 'none' },
    watermark: null,
    partitions: [{}],
  },
})

async function byParent(tools: DiscoveryTools, stop: Stop): Promise<unknown> {
  const { stream } = tools
  const { discovery } = stream
  if (discovery?.kind !== 'parent') return []
  const parent = stream.source.streams.find(({ name }) => name === discovery.stream)
  if (parent === undefined) throw new RangeError(`${stream.label} has no parent`)
  const { at: valuesOf, isOptional } = unwrapped<ParentFunction>(discovery.values)
  const found: unknown[] = []
  let parents = 0
  let missing = 0
  for await (const record of parentRecords({ ...tools, stream: parent }, stop, (each) =>
    createDiscovery({ ...tools, stream: each }),
  )) {
    try {
      const values = valuesOf(record)
      parents += 1
      if (values === undefined) missing += 1
      else if (values !== null) found.push(values)
    } catch (error) {
      throw wrong(stream, `throws: ${messageOf(error)}`)
    }
  }
  // A function may skip single parents with undefined; if it skips all of them, a field has gone.
  if (parents > 0 && missing === parents && !isOptional) {
    throw wrong(
      stream,
      `returns undefined for all ${parents} parents`,
      'correct it: return null to skip a parent, or declare values: optional(…)',
    )
  }
  return found
}

function checked(stream: Stream, found: unknown): Slice[] {
  const parsed = valueSets.safeParse(found)
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.map(String).join('.') ?? ''
    throw wrong(
      stream,
      `does not return a list of values${at === '' ? '' : ` (at ${at})`}`,
      "each is an object of texts, numbers and booleans: { account: '7' }",
    )
  }
  const names = [...(typeof stream.path === 'string' ? stream.path : '').matchAll(/\{([^{}]*)\}/g)].map(
    ([, name]) => name ?? '',
  )
  for (const values of parsed.data) {
    const lacking = names.find((name) => !Object.hasOwn(values, name))
    if (lacking !== undefined)
      throw wrong(stream, `returns values without {${lacking}}, which the path needs`, `add ${lacking}: …`)
  }
  return parsed.data.map((values) => sliceOf(stream, values))
}

const wrong = (stream: Stream, what: string, hint = 'correct partitions in the declaration'): Stopped =>
  new Stopped('HR_DISCOVERY', `${stream.label}: the function values of partitions ${what}`, { hint })
