/**
 * A world of parents and children that change while they are read, and a fetcher that is killed and comes back from its
 * checkpoint text. The clock is the world's own: every request takes a second.
 */
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { cursor, parent, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { type Checkpoint, checkpointText, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import { resume } from '#shared/progress/resume.ts'
import { createSeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import { PageRefused } from '../../../services/fetcher/http/errors.ts'
import type { PageRequest, PageResponse } from '../../../services/fetcher/http/messages.ts'
import type { PublishedPage } from '../../../services/fetcher/publish/page-publisher.ts'
import { runModeOf } from '../../../services/fetcher/resume/run-mode.ts'
import { fullPlanOf, planOf } from '../../../services/fetcher/resume/run-plan.ts'
import { run } from '../../../services/fetcher/run.ts'
import { createDiscovery } from '../../../services/fetcher/slices/discovery.ts'
import type { Discovery } from '../../../services/fetcher/slices/slice.ts'

export type Parent = { id: string; tags: string[]; changed_at: string }
export type Child = { id: string; parent: string; tag: string; updated_at: string }

const SECOND_MS = 1000
const START_MS = Date.UTC(2026, 0, 1)
const PAGE_SIZE = 2
export class Killed extends Error {}

export type WorldOptions = {
  over?: number
  incremental?: unknown
  /** More of the parent and of the child, as declared. */
  parents?: Record<string, unknown>
  children?: Record<string, unknown>
}

export function createWorld({ over = 2, incremental = true, ...more }: WorldOptions = {}) {
  let nowMs = START_MS
  const parents = new Map<string, Parent>()
  const children = new Map<string, Child>()
  const published = new Map<string, string>()
  const checkpoints = new Map<number, { offset: number; metadata: string }>()
  const world = {
    /** `parents SINCE` and `children PARENT TAG SINCE`, in their order. */
    asked: [] as string[],
    /** Called before each answer. */
    onRequest: undefined as ((path: string) => void) | undefined,
    /** Pages until the fetcher is killed before it publishes. */
    killAfter: Number.POSITIVE_INFINITY,
    /** Refuses a slice. */
    refuses: undefined as ((parent: string, tag: string) => boolean) | undefined,
    publishedTwice: 0,
    /** Called after each page that is published. */
    onPublish: undefined as (() => void) | undefined,
    tick(seconds = 1) {
      nowMs += seconds * SECOND_MS
    },
    now: () => new Date(nowMs).toISOString(),
    nowMs: () => nowMs,
    parents,
    children,
    putParent(id: string, tags: string[]) {
      parents.set(id, { id, tags, changed_at: world.now() })
    },
    /** A change of a child changes its parent at the same time. */
    putChild(id: string, of: string, tag: string) {
      const { tags = [] } = parents.get(of) ?? {}
      world.putParent(of, [...new Set([...tags, tag])])
      children.set(id, { id, parent: of, tag, updated_at: world.now() })
    },
    /** What is not published in its newest version. */
    missing: () =>
      [...children.values()].filter(({ id, updated_at }) => published.get(id) !== updated_at).map(({ id }) => id),
    checkpoint: (partition = 0): Checkpoint | null => parseCheckpoint(checkpoints.get(partition)?.metadata ?? ''),
    /** Another process: nothing but the checkpoints is left. */
    restart() {
      discovery = discover()
      seen = new Map()
    },
    runAll,
    stream: undefined as unknown as Stream,
  }

  const pageOf = <T>(all: readonly T[], after: number) => {
    const next = after + PAGE_SIZE
    return { data: all.slice(after, next), next: next < all.length ? String(next) : null }
  }

  function bodyOf({ pathname, searchParams }: URL): unknown {
    const [since, after] = [searchParams.get('since'), Number(searchParams.get('cursor') ?? 0)]
    const isAsked = (at: string) => since === null || Date.parse(at) >= Date.parse(since)
    if (pathname === '/parents') {
      if (after === 0) world.asked.push(`parents ${since ?? 'all'}`)
      const own = [...parents.values()].filter(({ changed_at }) => isAsked(changed_at))
      return pageOf(
        own.sort((a, b) => (a.id < b.id ? -1 : 1)),
        after,
      )
    }
    const [of, tag] = [searchParams.get('parent') ?? '', searchParams.get('tag') ?? '']
    if (after === 0) world.asked.push(`children ${of} ${tag} ${since ?? 'all'}`)
    if (world.refuses?.(of, tag) === true) throw new PageRefused(403, '', `${of} ${tag} is refused`)
    const own = [...children.values()].filter((each) => each.parent === of && each.tag === tag)
    return pageOf(
      own.filter(({ updated_at }) => isAsked(updated_at)),
      after,
    )
  }

  async function send(request: PageRequest): Promise<PageResponse> {
    world.tick()
    world.onRequest?.(request.url.pathname)
    const body = bodyOf(request.url)
    world.tick()
    return {
      ...{ status: 200, headers: {}, body, request, fetchedMs: nowMs },
      ...{ attempts: 1, retries: 0, bytes: 1, durationMs: 1 },
    }
  }

  const list = { records: '/data', paginate: cursor({ next: '/next', param: 'cursor' }), primaryKey: ['id'] }
  const source = compileSource(
    {
      name: 'shop',
      baseUrl: 'http://127.0.0.1:1',
      streams: {
        parents: {
          ...{ ...list, path: '/parents', watermark: { field: 'changed_at', param: 'since' } },
          schema: z.object({ id: z.string(), tags: z.array(z.string()), changed_at: z.iso.datetime() }),
          ...more.parents,
        },
        children: {
          ...{ ...list, path: '/children', watermark: { field: 'updated_at', param: 'since' } },
          schema: z.object({ id: z.string(), updated_at: z.iso.datetime() }),
          unknownFields: 'drop',
          partitions: {
            ...parent({ stream: 'parents', over, values: { parent: '/id', tag: '/tags/*' } }),
            ...(incremental === undefined ? {} : { incremental }),
          },
          ...more.children,
        },
      },
    },
    'shop.ts',
  )
  const stream = source.streams.find(({ name }) => name === 'children') as Stream
  world.stream = stream
  const clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, sleep: async () => undefined, random: () => 0.5 }
  const discover = (): Discovery =>
    createDiscovery({ stream, baseUrl: 'http://127.0.0.1:1/', send, clock, log: silentLog })
  let discovery = discover()
  let seen = new Map<number, ReturnType<typeof createSeenRecords>>()
  const { signal } = new AbortController()

  /** Throws what the run throws, and Killed. */
  async function runPartition(partition: number, isFull: boolean): Promise<void> {
    const stored = checkpoints.get(partition) ?? null
    const resumed = resume({ published: stored, loaded: null, log: { low: 0, high: stored?.offset ?? 0 } })
    const plan = isFull ? fullPlanOf(resumed, clock) : planOf(resumed, clock)
    const mode = runModeOf(plan, stream, { fetcherGroup: 'fetcher', backfillGroup: (range) => range })
    const own = seen.get(partition) ?? createSeenRecords(1000)
    seen.set(partition, own)
    async function put({ checkpoint, records }: PublishedPage): Promise<void> {
      world.killAfter -= 1
      if (world.killAfter < 0) throw new Killed()
      world.tick()
      for (const { key, payload } of records) {
        const { updated_at } = JSON.parse(payload)
        if (published.get(key) === updated_at) world.publishedTwice += 1
        published.set(key, updated_at)
      }
      const offset = (checkpoints.get(partition)?.offset ?? 0) + records.length + 1
      checkpoints.set(partition, { offset, metadata: checkpointText(checkpoint) })
      world.onPublish?.()
    }
    await run(plan, {
      ...{ stream, partition, mode, baseUrl: 'http://127.0.0.1:1/', send, seenRecords: mode.remembers(own) },
      ...{ slices: { discovery, log: silentLog }, stop: { soft: signal, hard: signal } },
      outlet: { put, flush: async () => undefined },
      ...{ onPage: () => undefined, attend: () => undefined },
    })
  }

  /** One run of every partition; a slice that is refused fails its run alone. False if one failed. */
  async function runAll(isFull = false): Promise<boolean> {
    let isGood = true
    for (let partition = 0; partition < over; partition++) {
      try {
        await runPartition(partition, isFull)
      } catch (error) {
        if (!(error instanceof Stopped) || error.code !== 'HR_SHARES_FAILED') throw error
        isGood = false
      }
    }
    world.tick(20)
    return isGood
  }

  return world
}
