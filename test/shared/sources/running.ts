/**
 * A built-in example against a server that behaves like its API: the declaration as it is shipped, with the client, the
 * run and the seen records of a partition, at another address and by a fast clock. What is published is folded into a
 * table as ClickHouse would: one row a key, the last one.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { resolverFor } from '#shared/config/config.ts'
import { compileSource } from '#shared/declaration/compile.ts'
import type { Declared } from '#shared/declaration/source-spec.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { checkpointText, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import { createSeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import { createClient } from '../../../services/fetcher/http/client.ts'
import { holdsAll } from '../../../services/fetcher/http/rate-limit/held-partitions.ts'
import type { PublishedPage } from '../../../services/fetcher/publish/page-publisher.ts'
import { runModeOf } from '../../../services/fetcher/resume/run-mode.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import { run } from '../../../services/fetcher/run.ts'
import type { FastClock } from '../../support/clocks.ts'

export type Row = Record<string, unknown>
export type ExampleRun = {
  pages: PublishedPage[]
  rows: Row[]
  rejected: PublishedPage['rejected']
  watermark: string | null
}
export type Example = {
  /** Key → row, over all runs. */
  table: ReadonlyMap<string, Row>
  logged(): string
  /**
   * One run from the watermark of the one before, null for the first; to the last page. Where `isInterrupted` says so
   * behind a page, the fetcher is gone, and another one goes on from the checkpoint.
   */
  run(from: string | null, isInterrupted?: () => boolean): Promise<ExampleRun>
}

const KEYS_MAX = 100_000
const never = new AbortController().signal

export function openExample(
  t: TestContext,
  declared: Declared,
  url: string,
  clock: FastClock,
  secrets: Record<string, string>,
): Example {
  // A busy machine is no failed attempt: the clock runs fast, and this is the longest that there is.
  const input = { ...(declared.input as object), baseUrl: url, timeout: '1h' }
  const source = compileSource(input, 'the example')
  const [stream] = source.streams
  assert.ok(stream !== undefined)
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const holding = holdsAll(source, clock.elapsedMs())
  const client = createClient(source, {
    clock,
    log,
    metrics: createMetrics(),
    resolver: resolverFor(secrets),
    holding: () => holding,
  })
  t.after(() => client.close())
  const seenRecords = createSeenRecords(KEYS_MAX)
  const table = new Map<string, Row>()

  return {
    table,
    logged: () => lines.join(''),
    async run(from, isInterrupted = () => false) {
      const pages: PublishedPage[] = []
      let plan: RunPlan = {
        run: 'r',
        startedMs: Math.floor(clock.nowMs()),
        page: 0,
        from,
        cursor: null,
        watermark: from,
        seen: null,
      }
      const put = async (page: PublishedPage) => {
        pages.push(page)
        if (isInterrupted()) throw new Interrupted()
      }
      let watermark: string | null = null
      for (let isDone = false; !isDone; ) {
        try {
          const result = await run(plan, {
            stream,
            partition: 0,
            baseUrl: client.baseUrl,
            send: client.send,
            outlet: { put, flush: async () => {} },
            mode: runModeOf(plan, stream, namesFor('test')),
            seenRecords,
            stop: { soft: never, hard: never },
            onPage: () => {},
            attend: () => {},
          })
          assert.equal(result.refused, null)
          isDone = true
          watermark = result.watermark
        } catch (error) {
          if (!(error instanceof Interrupted)) throw error
          plan = keptPlan(pages.at(-1))
          isDone = pages.at(-1)?.marker.last === true
          watermark = plan.watermark
        }
      }
      const accepted = pages.flatMap(({ records }) => records)
      for (const { key, payload } of accepted) table.set(key, JSON.parse(payload) as Row)
      const rows = accepted.map(({ payload }) => JSON.parse(payload) as Row)
      return { pages, rows, rejected: pages.flatMap(({ rejected }) => rejected), watermark }
    },
  }
}

class Interrupted extends Error {}

/** As the checkpoint keeps it. */
function keptPlan(page: PublishedPage | undefined): RunPlan {
  assert.ok(page !== undefined)
  const kept = parseCheckpoint(checkpointText(page.checkpoint))
  assert.ok(kept !== null)
  return kept
}

/** Some fields of a row, for comparison with what a server holds. */
export const pick = (row: Row | undefined, fields: readonly string[]): Row =>
  Object.fromEntries(fields.map((field) => [field, row?.[field]]))

/** Key → some fields of each row, in the order of keys. */
export const picked = (rows: Iterable<[string, Row]>, fields: readonly string[]): [string, Row][] =>
  [...rows].map(([key, row]): [string, Row] => [key, pick(row, fields)]).sort(([a], [b]) => (a < b ? -1 : 1))
