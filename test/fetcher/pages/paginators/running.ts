/**
 * A run over a real server whose pages are collected instead of published: what markers and checkpoints say, and up to
 * where they confirm.
 */
import type { TestContext } from 'node:test'
import type { Pace } from '#shared/clock.ts'
import { namesFor } from '#shared/names.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { createSeenRecords, type SeenRecords } from '../../../../services/fetcher/deduplicate/seen-records.ts'
import type { Caution } from '../../../../services/fetcher/pages/walk-size.ts'
import type { PublishedPage } from '../../../../services/fetcher/publish/page-publisher.ts'
import type { Stamps } from '../../../../services/fetcher/publish/stamps.ts'
import { runModeOf } from '../../../../services/fetcher/resume/run-mode.ts'
import type { RunPlan } from '../../../../services/fetcher/resume/run-plan.ts'
import { type RunResult, run } from '../../../../services/fetcher/run.ts'
import { type Asked, startServer } from '../../../support/http.ts'
import { clientFor } from '../../http/fixture.ts'
import type { Script } from './walking.ts'

export type Ran = {
  put: PublishedPage[]
  requests: Asked[]
  url: string
  /** Pages in which records had moved. */
  shifts: number
  /** What is left for a person to look at. */
  attention: Attention[]
  /** What is worth a warning. */
  cautions: Caution[]
  /** What was published and requested when the run waited for the log. */
  flushes: { put: number; requests: number }[]
  logged: () => string
  result: RunResult | null
  error: unknown
}

const KEYS_MAX = 1_000
const never = new AbortController().signal

export async function runOnce(
  t: TestContext,
  script: Script,
  options: {
    stream: Record<string, unknown>
    source?: Record<string, unknown>
    plan?: Partial<RunPlan>
    seenRecords?: SeenRecords
    stamps?: Stamps
    pace?: Pace
  },
): Promise<Ran> {
  const server = await startServer(t, script)
  const { client, stream, clock, logged } = clientFor(t, server.url, options)
  const ran: Ran = {
    put: [],
    requests: server.requests,
    url: server.url,
    shifts: 0,
    attention: [],
    cautions: [],
    flushes: [],
    logged,
    result: null,
    error: undefined,
  }
  const startedMs = Date.UTC(2026, 5, 1)
  const plan: RunPlan = {
    run: 'r',
    startedMs,
    page: 0,
    from: null,
    cursor: null,
    watermark: null,
    seen: null,
    ...options.plan,
  }
  try {
    ran.result = await run(plan, {
      stream,
      partition: 0,
      baseUrl: client.baseUrl,
      send: client.send,
      outlet: { put: async (page) => void ran.put.push(page), flush: async () => void ran.flushes.push(placeOf(ran)) },
      clock,
      ...(options.pace === undefined ? {} : { pace: options.pace }),
      mode: runModeOf(plan, stream, namesFor('test')),
      seenRecords: options.seenRecords ?? createSeenRecords(KEYS_MAX),
      ...(options.stamps === undefined ? {} : { stamps: options.stamps }),
      stop: { soft: never, hard: never },
      attend: (attention) => void ran.attention.push(attention),
      onPage: ({ cautions, shifted }) => {
        ran.cautions.push(...cautions)
        if (shifted) ran.shifts += 1
      },
    })
  } catch (error) {
    ran.error = error
  }
  return ran
}

const placeOf = ({ put, requests }: Ran) => ({ put: put.length, requests: requests.length })

/** The watermark that each page's marker confirms, and the one that its checkpoint holds. */
export const confirmed = ({ put }: Ran): (string | null)[] => put.map(({ marker }) => marker.watermark)
export const kept = ({ put }: Ran): (string | null)[] => put.map(({ checkpoint }) => checkpoint.watermark)
export const keysOf = ({ put }: Ran): string[] => put.flatMap(({ records }) => records.map(({ key }) => key))
