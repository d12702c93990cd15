import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createClient } from '../../services/fetcher/client/client.ts'
import { PageRefused } from '../../services/fetcher/client/errors.ts'
import { holdsAll } from '../../services/fetcher/client/holding.ts'
import { walkPages } from '../../services/fetcher/pages.ts'
import { stopSignal } from '../../services/fetcher/stop-signal.ts'
import type { Page } from '../../services/fetcher/walk.ts'
import { resolverFor } from '../../shared/config.ts'
import { Stopped } from '../../shared/errors.ts'
import { silentLog } from '../../shared/log.ts'
import { createMetrics } from '../../shared/metrics.ts'
import { fastClock } from '../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../support/http.ts'
import { declareShop, streamOf } from './declared.ts'

type Script = (asked: Asked, number: number) => Answer
type Options = { stream?: Record<string, unknown>; cursor?: unknown; taken?: number }

/** Walks what the server answers, with the real client; `requests` is how often it was asked. */
async function walk(t: TestContext, script: Script, { stream: changes = {}, cursor = null, taken = 1000 }: Options = {}) {
  const server = await startServer(t, script)
  const source = declareShop(changes, { baseUrl: server.url, attemptsMax: 2, timeout: '10m' })
  const stream = streamOf(source)
  const clock = fastClock()
  const tools = { clock, log: silentLog, metrics: createMetrics(), resolver: resolverFor({}), holding: () => holdsAll(source, 0) }
  const client = createClient(source, tools)
  t.after(() => client.close())
  const stop = stopSignal(clock, 1)
  const start = { partition: 0, baseUrl: client.baseUrl, from: null, startedMs: clock.nowMs() }
  const pages: Page[] = []
  const result = { pages, stop, error: undefined as unknown, asked: () => server.requests.map(({ query }) => query.get('cursor')) }
  try {
    for await (const page of walkPages({ stream, ...start, send: client.send, cursor, stop })) {
      pages.push(page)
      if (pages.length === taken) stop.request()
    }
  } catch (error) {
    result.error = error
  }
  return result
}

const answer = (data: unknown, next: string | null = null): Answer => ({ json: { data, next } })
const cursors = (pages: readonly Page[]) => pages.map(({ cursor }) => cursor)

function assertStopped(error: unknown, code: string, words: RegExp): void {
  assert.ok(error instanceof Stopped, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
}

describe('a walk stops with an error', () => {
  test('at a cycle of cursors, A, B, A, and asks no further', async (t) => {
    const next = ['A', 'B', 'A', 'B']
    const { error, pages, asked } = await walk(t, (_, number) => answer([{ id: number }], next[number]))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 3 names the same next page as page 1: a cycle/)
    assert.deepEqual(cursors(pages), ['A', 'B'])
    assert.deepEqual(asked(), [null, 'A', 'B'])
  })

  test('at a page that names the page which an interrupted run went on from', async (t) => {
    const { error, asked } = await walk(t, (_, number) => answer([{ id: number }], number === 0 ? 'B' : 'A'), { cursor: 'A' })
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 names the page that the run went on from: a cycle/)
    assert.deepEqual(asked(), ['A', 'B'])
  })

  test('at the same records under another cursor, and that page is not handed out', async (t) => {
    const { error, pages } = await walk(t, (_, number) => answer([{ id: 1 }, { id: 2 }], `cursor-${number}`))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.equal(pages.length, 1)
  })

  test('after a number of empty pages in a row that each name a next one', async (t) => {
    const script: Script = (_, number) => answer(number === 1 ? [{ id: 1 }] : [], `cursor-${number}`)
    const { error, pages } = await walk(t, script, { stream: { emptyPagesMax: 3 } })
    assertStopped(error, 'HR_EMPTY_PAGES', /3 empty pages in a row/)
    assert.equal(pages.length, 4)
  })

  test('after the most pages that a run may have', async (t) => {
    const { error, pages, asked } = await walk(t, (_, number) => answer([{ id: number }], `cursor-${number}`), { stream: { pagesMax: 3 } })
    assertStopped(error, 'HR_PAGES_MAX', /more than 3 pages/)
    assert.equal(pages.length, 3)
    assert.equal(asked().length, 3)
  })

  for (const [data, what] of [
    [{ id: 1 }, 'an object'],
    ['text', 'a string'],
    [7, 'a number'],
    [false, 'a boolean'],
  ] as const) {
    test(`where ${what} is in the place of the records`, async (t) => {
      const { error, pages } = await walk(t, () => answer(data))
      assertStopped(error, 'HR_NO_RECORDS', new RegExp(`shop.orders: .* no array of records at "/data", but ${what}`))
      assert.equal(pages.length, 0)
    })
  }

  test("where the author's function of the records throws, naming the stream", async (t) => {
    const records = (body: unknown) => (body as { not: { there: unknown } }).not.there
    const { error } = await walk(t, () => answer([]), { stream: { records } })
    assertStopped(error, 'HR_NO_RECORDS', /shop\.orders: .* not what its records function expects: Cannot read/)
  })

  test('where the API refuses a page, after the pages before it', async (t) => {
    const { error, pages } = await walk(t, (_, number) =>
      number === 2 ? { status: 410, json: {} } : answer([{ id: number }], `c${number}`),
    )
    assert.ok(error instanceof PageRefused)
    assert.equal(error.status, 410)
    assert.equal(pages.length, 2)
  })
})

describe('a walk', () => {
  test('ends at the page without a next one', async (t) => {
    const { error, pages, asked } = await walk(t, (_, number) => answer([{ id: number }], number < 2 ? `c${number}` : null))
    assert.equal(error, undefined)
    assert.deepEqual(cursors(pages), ['c0', 'c1', null])
    assert.deepEqual(asked(), [null, 'c0', 'c1'])
  })

  for (const [name, body] of [
    ['null', { data: null, next: null }],
    ['empty', { data: [], next: null }],
  ] as const) {
    test(`takes records that are ${name} for an empty page`, async (t) => {
      const { error, pages } = await walk(t, () => ({ json: body }))
      assert.equal(error, undefined)
      assert.deepEqual(pages[0]?.records, [])
    })
  }

  test('goes on over empty pages that name a next one, and counts those in a row only', async (t) => {
    const pattern = [0, 0, 1, 0, 0, 1]
    const script: Script = (_, number) => answer(pattern[number] === 1 ? [{ id: number }] : [], number < 5 ? `c${number}` : null)
    const { error, pages } = await walk(t, script, { stream: { emptyPagesMax: 3 } })
    assert.equal(error, undefined)
    assert.equal(pages.length, 6)
  })

  test('begins no page after the stop, and ends with its reason', async (t) => {
    const { error, stop, asked } = await walk(t, (_, number) => answer([{ id: number }], `c${number}`), { taken: 2 })
    assert.equal(error, stop.soft.reason)
    assert.equal(asked().length, 2)
  })

  test('goes on at the cursor that it is given', async (t) => {
    const { asked } = await walk(t, () => answer([{ id: 1 }]), { cursor: 'stored' })
    assert.deepEqual(asked(), ['stored'])
  })

  test('takes pages whose records are alike at the ends for different ones when their number differs', async (t) => {
    const page = (count: number) => Array.from({ length: count }, () => ({ id: 'same' }))
    const { error, pages } = await walk(t, (_, number) => answer(page(3 - number), number < 2 ? `c${number}` : null))
    assert.equal(error, undefined)
    assert.equal(pages.length, 3)
  })
})
