/** The layer that repeats a request, over answers in turn. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AttemptFailed,
  PageFailed,
  PageRefused,
  PageSkipped,
  PageUnreadable,
  Parked,
} from '../../../../services/fetcher/http/errors.ts'
import { retry } from '../../../../services/fetcher/http/layers/retry.ts'
import type { PageRequest, PageResponse, ResponseClass } from '../../../../services/fetcher/http/messages.ts'
import { fastClock } from '../../../support/clocks.ts'
import { declareSource } from '../fixture.ts'

const never = new AbortController().signal

describe('the decision to ask again, by itself', () => {
  const WAIT_MAX_MS = 10_000
  const source = declareSource('http://127.0.0.1:1', { attemptsMax: 3, waitMax: '10s' })
  const request: PageRequest = {
    method: 'GET',
    url: new URL('http://127.0.0.1:1/orders'),
    headers: {},
    body: undefined,
  }
  const answered = (status: number, verdict: ResponseClass, body: unknown = 'words'): PageResponse => ({
    ...{ status, headers: {}, body, bytes: 0, request, attempts: 1, retries: 0, durationMs: 0, fetchedMs: 0, verdict },
  })
  const page = answered(200, { kind: 'page', says: null, waitMs: 9 }, { data: [] })
  const failing = (waitMs: number | null, status = 503) => answered(status, { kind: 'retry', says: null, waitMs })
  const sayingBusy = (waitMs: number | null) => answered(200, { kind: 'retry', says: 'busy', waitMs }, '')

  /** The layer over answers in turn; an error is thrown. */
  async function asked(
    answers: readonly (PageResponse | Error)[],
    { signal = never, apart = false, startMs = 0 } = {},
  ) {
    const clock = fastClock({ speed: 1_000, random: () => 0.5, startMs })
    const slept: number[] = []
    const told: unknown[] = []
    let requests = 0
    const exchange = { signal, stream: 'shop.orders' }
    const layer = retry(source, {
      clock: { ...clock, nowMs: () => startMs, sleep: async (ms, until) => void (until === signal && slept.push(ms)) },
      onRetry: (reason, waitMs, of, within, attempt) =>
        void told.push(['again', reason, waitMs, of === request, within === exchange, attempt]),
      closeFor: (waitMs, of, stream) => void told.push(['closed', waitMs, of === request, stream]),
      isApart: (of, stream) => of === request && stream === 'shop.orders' && apart,
    })
    const send = layer(async () => {
      const answer = answers[Math.min(requests, answers.length - 1)]
      requests += 1
      if (answer instanceof Error) throw answer
      return answer ?? page
    })
    const ended = await send(request, exchange).catch((error: unknown) => error)
    return { ended, slept, told, requests }
  }

  test('hands a page on as it is, and one that is declared as empty without a body', async () => {
    assert.deepEqual(await asked([page]), { ended: page, slept: [], told: [], requests: 1 })
    const empty = answered(404, { kind: 'empty', says: null, waitMs: null })
    assert.deepEqual((await asked([empty])).ended, { ...empty, body: null })
  })

  for (const [name, failure, reason, closed] of [
    ['503', failing(null), '503', false],
    ['429', failing(null, 429), '429', true],
    ['428 that is declared to pass', failing(null, 428), '428', false],
    ['a body that says so', sayingBusy(null), 'error_body', true],
    ['a cut connection', new AttemptFailed('connection', 'cut'), 'connection', false],
    ['a body that is no JSON', new AttemptFailed('not_json', 'html'), 'not_json', false],
  ] as const) {
    test(`${name} without a time is asked again after 2^n + random() seconds, ${closed ? 'and keeps' : 'but does not keep'} the others away`, async () => {
      const { ended, slept, told, requests } = await asked([failure, failure, page])
      assert.deepEqual([ended, slept, requests], [page, [1_500, 2_500], 3])
      const waits = slept.map((ms, index) => [
        ...(closed ? [['closed', ms, true, 'shop.orders']] : []),
        ['again', reason, ms, true, true, index + 1],
      ])
      assert.deepEqual(told, waits.flat())
    })
  }

  for (const failure of [failing(WAIT_MAX_MS), failing(WAIT_MAX_MS, 429), sayingBusy(WAIT_MAX_MS)]) {
    test(`a time that the API names is waited out up to the bound, and keeps nobody away by itself: ${failure.status}`, async () => {
      const { ended, slept, told } = await asked([failure, page])
      assert.deepEqual([ended, slept, told.length], [page, [WAIT_MAX_MS + 125], 1])
    })
  }

  for (const apart of [false, true]) {
    test(`a longer one parks ${apart ? 'what shares its quota' : 'the whole source'}, also at the last attempt`, async () => {
      for (const before of [0, 2]) {
        const answers = [...Array<PageResponse>(before).fill(failing(null)), failing(WAIT_MAX_MS + 1)]
        const { ended, requests } = await asked(answers, { apart, startMs: 5_000 })
        assert.ok(ended instanceof Parked)
        assert.deepEqual([ended.untilMs, ended.wholeSource, requests], [5_000 + WAIT_MAX_MS + 1, !apart, before + 1])
      }
    })
  }

  test('as many attempts as are declared, and the error says what the last one brought', async () => {
    for (const [last, words, status] of [
      [failing(null), /failed 3 times; the last answer: 503: words$/, 503],
      [answered(503, { kind: 'retry', says: null, waitMs: null }, ''), /the last answer: 503$/, 503],
      [sayingBusy(null), /the last answer: busy$/, null],
      [new AttemptFailed('cut', 'half of it'), /the last answer: half of it$/, null],
    ] as const) {
      const { ended, slept, requests } = await asked([failing(null), failing(null), last])
      assert.ok(ended instanceof PageFailed)
      assert.match(ended.message, words)
      assert.deepEqual([ended.attempts, ended.status, requests, slept.length], [3, status, 3, 2])
      assert.equal(ended.cause instanceof AttemptFailed, status === null)
    }
  })

  test('an end by the signal is told with its reason, whatever the answer was, and no further request is made', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    for (const answer of [
      failing(null),
      failing(WAIT_MAX_MS + 1),
      new AttemptFailed('unreadable', 'x'),
      new AttemptFailed('cut', 'x'),
    ]) {
      const { ended, requests, told } = await asked([answer], { signal })
      assert.deepEqual([(ended as Error).message, requests, told], ['enough', 1, []])
    }
    assert.equal((await asked([page], { signal })).ended, page, 'a page that has come is a page')
  })

  test('what can never be read, is refused or left out is not asked for again, and no other error is taken for a failed attempt', async () => {
    const other = new TypeError('a mistake')
    for (const [answer, error] of [
      [new AttemptFailed('unreadable', 'x'), PageUnreadable],
      [answered(403, { kind: 'stop', says: null, waitMs: null }), PageRefused],
      [answered(200, { kind: 'stop', says: 'no such shop', waitMs: null }), PageRefused],
      [answered(403, { kind: 'skip', says: null, waitMs: null }), PageSkipped],
      [other, TypeError],
    ] as const) {
      const { ended, requests, told } = await asked([answer])
      assert.ok(ended instanceof error)
      assert.deepEqual([requests, told], [1, []])
    }
    assert.equal((await asked([other])).ended, other)
  })

  test('a refusal says what the API said, with what to do about it', async () => {
    const refusal = async (answer: PageResponse) => (await asked([answer])).ended as PageRefused
    const ofBody = await refusal(answered(200, { kind: 'stop', says: 'no such shop', waitMs: null }, 'secret'))
    assert.match(ofBody.message, /was answered 200 with an error: no such shop$/)
    assert.deepEqual([ofBody.status, ofBody.excerpt], [200, 'no such shop'])
    assert.match(ofBody.hint ?? '', /answers\.failed/)
    const stopping: ResponseClass = { kind: 'stop', says: null, waitMs: null }
    const forbidden = await refusal(answered(403, stopping))
    assert.match(forbidden.message, /was refused with 403: words$/)
    assert.match(forbidden.hint ?? '', /credentials are valid but not for this/)
    const empty = await refusal(answered(409, stopping, ''))
    assert.match(empty.message, /was refused with 409$/)
    assert.match(empty.hint ?? '', /check path, params and partitions/)
  })
})
