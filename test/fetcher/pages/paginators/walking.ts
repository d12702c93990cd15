/**
 * Walks a stream over a real server with the client and the walk of the run: at once, or interrupted behind every page
 * and gone on from the cursor as the checkpoint keeps it. The two must ask for the same.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { checkpointText, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import type { Page } from '../../../../services/fetcher/pages/page.ts'
import type { Cursor } from '../../../../services/fetcher/pages/paginators/paginator-for.ts'
import { walkPages } from '../../../../services/fetcher/pages/walk-pages.ts'
import { type Answer, type Asked, startServer } from '../../../support/http.ts'
import { clientFor, type Fixture } from '../../http/fixture.ts'

export type Script = (asked: Asked, number: number) => Answer | Promise<Answer>
export type WalkOptions = {
  stream?: Record<string, unknown>
  source?: Record<string, unknown>
  from?: string | null
  startedMs?: number
  cursor?: Cursor
  /** Behind every page. */
  interrupted?: boolean
}
export type Walked = Pick<Fixture, 'clock' | 'logged' | 'metrics'> & {
  pages: Page[]
  requests: Asked[]
  url: string
  /** What stopped the walk; undefined if nothing did. */
  error: unknown
}

/** More than any walk here has. */
const TURNS_MAX = 200
const never = new AbortController().signal

export async function walk(
  t: TestContext,
  paginate: unknown,
  script: Script,
  options: WalkOptions = {},
): Promise<Walked> {
  const server = await startServer(t, script)
  const { client, stream, ...fixture } = clientFor(t, server.url, {
    ...options,
    stream: { paginate, ...options.stream },
  })
  const walked: Walked = { ...fixture, pages: [], requests: server.requests, url: server.url, error: undefined }
  const stop = { soft: never, hard: never }
  const run = { stream, partition: 0, baseUrl: client.baseUrl, send: client.send, from: options.from ?? null, stop }
  const startedMs = options.startedMs ?? Date.UTC(2026, 0, 10)
  let cursor: Cursor | null = options.cursor ?? null
  try {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const before = { page: walked.pages.length, size: walked.pages.at(-1)?.size }
      for await (const page of walkPages({ ...run, startedMs, cursor, ...before })) {
        walked.pages.push(page)
        if (options.interrupted === true) break
      }
      const last = walked.pages.at(-1)
      if (last === undefined || last.last) return walked
      cursor = stored(last.cursor)
    }
  } catch (error) {
    walked.error = error
    return walked
  }
  throw new Error('the walk has no end')
}

/** At once and interrupted behind every page: the same records, for the same requests. */
export async function walkBothWays(
  t: TestContext,
  paginate: unknown,
  script: () => Script,
  options: WalkOptions = {},
): Promise<Walked> {
  const whole = await walk(t, paginate, script(), options)
  const pieces = await walk(t, paginate, script(), { ...options, interrupted: true })
  assert.equal(whole.error, undefined)
  assert.equal(pieces.error, undefined)
  assert.deepEqual(
    pieces.requests.map(({ target, body }) => [target, body]),
    whole.requests.map(({ target, body }) => [target, body]),
  )
  assert.deepEqual(recordsOf(pieces), recordsOf(whole))
  return whole
}

export const recordsOf = ({ pages }: Pick<Walked, 'pages'>): unknown[] => pages.flatMap(({ records }) => records)
export const targetsOf = ({ requests }: Pick<Walked, 'requests'>): string[] => requests.map(({ target }) => target)
/** Each record once, in the order of numbers. */
export const once = (records: readonly unknown[]): number[] =>
  [...new Set(records.map(Number))].toSorted((a, b) => a - b)

export function assertStopped(error: unknown, code: string, words: RegExp): void {
  assert.ok(error instanceof Stopped, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
  assert.match(error.message, /^shop\.orders: /)
  assert.notEqual(error.hint, undefined)
}

/** As the checkpoint keeps it. */
function stored(cursor: Cursor | null): Cursor | null {
  const text = checkpointText({
    v: 1,
    run: 'r',
    page: 1,
    startedMs: 0,
    done: false,
    from: null,
    cursor,
    watermark: null,
    seen: null,
  })
  const kept = parseCheckpoint(text)
  assert.ok(kept !== null)
  assert.deepEqual(kept.cursor, cursor, 'the cursor is plain JSON and has room in the checkpoint')
  return kept.cursor
}
