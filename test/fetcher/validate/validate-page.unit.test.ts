import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Stopped } from '#shared/errors.ts'
import { z } from '#shared/index.ts'
import { createSeenRecords, type PagePart } from '../../../services/fetcher/deduplicate/seen-records.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { sizeAfter, validatePage } from '../../../services/fetcher/validate/validate-page.ts'
import type { ValidatedPage } from '../../../services/fetcher/validate/validated-page.ts'
import { declareOrders, instant, order, orderSchema, STREAM } from '../declared.ts'
import { keysOf, runOnce } from '../pages/paginators/running.ts'

const never = new AbortController().signal
const list = (member: string, count: number): string => `[${`${member},`.repeat(count - 1)}${member}]`
const body = (data: string, more = '') => ({
  headers: { 'content-encoding': 'gzip' },
  body: gzipSync(`{"data":${data},"next":null${more}}`),
})

/** Counts real turns of the event loop. */
function pacer() {
  const pace = {
    turns: 0,
    elapsedMs: () => performance.now(),
    async turn() {
      pace.turns += 1
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
  return pace
}

describe('a page of tiny elements', () => {
  for (const [name, member, count] of [
    ['objects', '{}', 1_000_000],
    ['nulls', 'null', 600_000],
    ['numbers', '1', 1_500_000],
    ['arrays', '[]', 1_000_000],
  ] as const) {
    test(`stops its run as soon as the rejects decide, and others have their turn meanwhile: ${name}`, async (t) => {
      const pace = pacer()
      const ran = await runOnce(t, () => body(list(member, count)), { stream: STREAM, pace })
      assert.ok(ran.error instanceof Stopped, String(ran.error))
      assert.equal(ran.error.code, 'HR_API_CHANGED')
      const seen = Number(/: (\d+) of \d+ records/.exec(ran.error.message)?.[1])
      assert.ok(seen >= 10_000 && seen <= 30_000, `${seen} were looked at`)
      assert.ok(pace.turns >= 10, `${pace.turns} turns`)
      assert.deepEqual(ran.put, [])
    })
  }

  test('behind more good records than it has stops its run as well', async (t) => {
    const first = gzipSync(`{"data":${list(JSON.stringify(order('a')), 60_000)},"next":"b"}`)
    const second = body(list('{}', 100_000))
    const answers = [{ ...second, body: first }, second]
    const ran = await runOnce(t, (_, number) => answers[number] ?? {}, { stream: STREAM })
    assert.ok(ran.error instanceof Stopped)
    assert.match(ran.error.message, /^shop\.orders: 1\d{4} of 7\d{4} records/)
    assert.equal(ran.put.length, 1)
  })

  test('over the bound is not asked for again, and the error says the bound and how to raise it', async (t) => {
    const ran = await runOnce(t, () => body(list('{}', 5_000)), { stream: STREAM, source: { bodyElementsMax: 4_000 } })
    assert.ok(ran.error instanceof Stopped, String(ran.error))
    assert.equal(ran.error.code, 'HR_PAGE_UNREADABLE')
    assert.match(
      ran.error.message,
      /more than 4000 elements \(bodyElementsMax: .*\); ask for smaller pages, or raise bodyElementsMax/,
    )
    assert.equal(ran.requests.length, 1)
  })

  test('that the declaration lets through is one dead letter a slice, and counted in full', async (t) => {
    const ran = await runOnce(t, () => body(list('{}', 50_000)), { stream: { ...STREAM, rejectedShareMax: 1 } })
    assert.equal(ran.error, undefined)
    const { marker, rejected } = ran.put[0] ?? {}
    assert.equal(
      rejected?.reduce((sum, { times = 1 }) => sum + times, 0),
      50_000,
    )
    assert.equal((marker?.deadLetters ?? 0) + (marker?.unchanged ?? 0), 50_000)
    assert.ok((rejected?.length ?? 0) < 100)
  })
})

describe('a page of many good records', () => {
  test('is published whole and in order, in slices with a turn of the event loop between them', async (t) => {
    const count = 60_000
    const records = Array.from({ length: count }, (_, at) =>
      JSON.stringify({ ...order(`o${at}`, at), ...(at === 59_999 ? { colour: 'red' } : {}) }),
    )
    const pace = pacer()
    const sorted = { ...STREAM, watermark: { field: 'updated_at', param: 'since', sorted: true } }
    const ran = await runOnce(t, () => body(`[${records.join(',')}]`), { stream: sorted, pace })
    assert.equal(ran.error, undefined)
    assert.deepEqual(
      keysOf(ran),
      records.map((_, at) => `o${at}`),
    )
    assert.ok(pace.turns >= 20, `${pace.turns} turns`)
    const { marker, checkpoint } = ran.put[0] ?? {}
    assert.deepEqual([marker?.records, marker?.watermark, marker?.drift], [count, instant(count - 1), 1])
    assert.deepEqual(checkpoint?.totals?.drift, ['colour'])
  })
})

describe('validation in slices', () => {
  const schema = orderSchema.extend({ note: z.string().optional(), tag: z.string().optional() })
  const stream = declareOrders({
    schema,
    map: (raw: unknown) => ((raw as { skip?: true } | null)?.skip ? undefined : raw),
  })
  const raws = Array.from({ length: 7_000 }, (_, at) => {
    if (at % 100 === 7) return { bad: at % 300 }
    if (at % 100 === 8) return { skip: true }
    return {
      ...order(`o${at % 5_000}`),
      ...(at === 6_500 ? { note: 'n', colour: 'red' } : {}),
      ...(at === 10 ? { size: 1 } : {}),
    }
  })
  const validated = (all: readonly unknown[], sliceMs: number) => {
    const validate = createValidator(stream)
    const seenRecords = createSeenRecords(100_000)
    let nowMs = 0
    let turns = 0
    const tools = {
      validate: (slice: readonly unknown[]) => validate(slice),
      fresh: (slice: ValidatedPage, part: PagePart) =>
        seenRecords.withoutUnchanged(slice.records, slice.rejected, null, part),
      refuse: () => undefined,
      pace: {
        elapsedMs: () => (nowMs += sliceMs),
        async turn() {
          turns += 1
        },
      },
      signal: never,
    }
    return validatePage(all, tools).then((found) => ({ ...found, turns }))
  }

  test('brings what validation of the whole page brings', async () => {
    const validate = createValidator(stream)
    const whole = validate(raws)
    const fresh = createSeenRecords(100_000).withoutUnchanged(whole.records, whole.rejected)
    for (const [sliceMs, turns] of [
      [1, 2],
      [100, 30],
    ] as const) {
      const sliced = await validated(raws, sliceMs)
      assert.equal(sliced.turns, turns)
      assert.deepEqual(sliced.page.records, whole.records)
      assert.deepEqual(sliced.page.drift, whole.drift)
      assert.deepEqual(sliced.page.examples, whole.examples)
      assert.deepEqual(sliced.page.absent, whole.absent)
      assert.equal(sliced.page.omitted, whole.omitted)
      assert.deepEqual(sliced.fresh.records, fresh.records)
      assert.equal(sliced.fresh.refused, fresh.refused)
    }
  })

  test('ends between two slices when it is aborted', async () => {
    const stop = new AbortController()
    const validate = createValidator(stream)
    const validating = validatePage(raws, {
      validate: (slice) => validate(slice),
      fresh: () => ({ records: [], rejected: [], unchanged: 0, refused: 0 }),
      refuse: () => undefined,
      pace: { elapsedMs: () => 0, turn: async () => stop.abort(new Error('stopped')) },
      signal: stop.signal,
    })
    await assert.rejects(validating, /stopped/)
  })

  test('makes its slices smaller where they take long, and larger where they do not, within bounds', () => {
    assert.equal(sizeAfter(1_000, 40), 500)
    assert.equal(sizeAfter(1_000, 0), 4_000)
    assert.equal(sizeAfter(1_000, 10_000), 200)
    assert.equal(sizeAfter(9_000, 1), 10_000)
  })
})
