/** A 2xx that is not the answer: a declared place that is missing is not an empty place. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  bearer,
  cursor,
  keyset,
  nextUrl,
  offset,
  optional,
  pageNumber,
  parent,
  secret,
  windows,
  z,
} from '#shared/index.ts'
import { declareSource, SECRETS } from '../http/fixture.ts'
import { confirmed, kept, keysOf, type Ran, runOnce } from '../pages/paginators/running.ts'
import { assertStopped, type Script, walk } from '../pages/paginators/walking.ts'

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const at = (hour: number): string => new Date(Date.UTC(2026, 0, 1, hour)).toISOString().replace('.000Z', 'Z')
const row = (id: number) => ({ id: String(id), at: at(id) })
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => row(from + index))
const timed = (paginate: unknown, more: Record<string, unknown> = {}, watermark: Record<string, unknown> = {}) => ({
  ...{ schema, paginate, watermark: { field: 'at', param: 'since', ...watermark } },
  ...more,
})
const byCursor = cursor({ next: '/paging/next', param: 'cursor' })
const inTurn =
  (...bodies: unknown[]): Script =>
  (_, number) => ({ json: bodies[number] ?? { data: [] } })
/** Three pages of two, by a cursor that is the number of the page; `changes` replaces what a page answers. */
const threePages = (changes: Record<number, unknown> = {}): Script => {
  const pages = [
    { data: rows(0, 2), paging: { next: '1' } },
    { data: rows(2, 4), paging: { next: '2' } },
    { data: rows(4, 5), paging: { next: null } },
  ]
  return ({ query }) => {
    const number = Number(query.get('cursor') ?? 0)
    return { json: changes[number] ?? pages[number] }
  }
}
const heldBy = ({ attention }: Ran): string[] =>
  attention.filter(({ kind }) => kind === 'watermark_held').map(({ message }) => message)

describe('a 2xx without the array of records', () => {
  for (const [name, body, says] of [
    ['an error', { error: 'token expired' }, /has nothing at "\/data"; it has error: error is token expired/],
    ['a list of errors', { errors: [{ message: 'quota' }] }, /it has errors: errors is \{"message":"quota"\}/],
    ['the array under another name', { orders: rows(0, 2), paging: {} }, /it has orders, paging$/],
    ['nothing at all', {}, /the body is an empty object/],
    ['an array instead of an object', rows(0, 2), /the body is an array of 2/],
    ['a text', 'sorry', /the body is a string/],
  ] as const) {
    test(`stops the run, says what the body has, and moves nothing: ${name}`, async (t) => {
      const ran = await runOnce(t, threePages({ 1: body }), { stream: timed(byCursor) })
      assertStopped(ran.error, 'HR_NO_RECORDS', says)
      assert.deepEqual(
        [keysOf(ran), confirmed(ran), kept(ran), ran.put.at(-1)?.checkpoint.cursor],
        [['0', '1'], [null], [null], '1'],
      )
    })

    test(`holds no day of windows back behind the watermark: ${name}`, async (t) => {
      const paginate = windows({ to: 'until', size: '4h', pages: pageNumber({ stop: 'empty' }) })
      const script: Script = ({ query }) => {
        const [from, until] = [query.get('since') ?? '', query.get('until') ?? '']
        if (from.startsWith('2026-01-01T04') && query.get('page') === '1') return { json: body }
        return {
          json: {
            data: query.get('page') === '1' ? rows(0, 12).filter((each) => each.at >= from && each.at < until) : [],
          },
        }
      }
      const stream = timed(paginate, {}, { start: at(0) })
      const ran = await runOnce(t, script, { stream, plan: { startedMs: Date.UTC(2026, 0, 1, 12) } })
      assertStopped(ran.error, 'HR_NO_RECORDS', says)
      assert.equal(kept(ran).at(-1), at(4))
    })
  }

  test('is an error too where the array is there and empty, beside an error of its own; unless the author says what an error is', async (t) => {
    const body = { data: [], error: { code: 7, message: 'no rights' }, paging: { next: null } }
    const ran = await runOnce(t, inTurn(body), { stream: timed(byCursor) })
    assertStopped(ran.error, 'HR_NO_RECORDS', /has no records, but error is \{"code":7,"message":"no rights"\}/)
    for (const error of [null, false, '', 0, [], {}]) {
      assert.equal((await runOnce(t, inTurn({ ...body, error }), { stream: timed(byCursor) })).error, undefined)
    }
    const declared = timed(byCursor, { answers: { failed: () => null } })
    assert.equal((await runOnce(t, inTurn(body), { stream: declared })).error, undefined)
  })

  for (const [body, says] of [
    [{ success: false, message: 'expired', data: [] }, 'success is false'],
    [{ ok: false, data: [] }, 'ok is false'],
    [{ status: 'error', message: 'no database', data: null }, 'status is error'],
    [{ code: 500, msg: 'internal', data: null }, 'code is 500'],
    [{ meta: { status: '401' }, data: [] }, 'meta.status is 401'],
    [{ response: { errors: ['quota'] }, data: [] }, 'response.errors is "quota"'],
    [{ Error: 'quota', data: [] }, 'Error is quota'],
    [{ error_message: 'quota', data: [] }, 'error_message is quota'],
  ] as const) {
    test(`is an error where an empty answer says that it failed: ${says}`, async (t) => {
      const { error } = await runOnce(t, inTurn(body), { stream: timed(keyset({ field: '/id', param: 'after' })) })
      assertStopped(error, 'HR_NO_RECORDS', new RegExp(`has no records, but ${says}`))
    })
  }

  test('is none where an empty answer says that all is well, and where a page has records', async (t) => {
    for (const more of [
      { success: true, status: 'ok', code: 200 },
      { error: { code: 0, message: '' }, status: 200 },
      { error: 'none', code: 0, meta: { code: 200, errors: [] } },
      { status: { code: 404, text: 'nothing found' } },
    ]) {
      const { error } = await runOnce(t, inTurn({ data: [], ...more }), {
        stream: timed(keyset({ field: '/id', param: 'after' })),
      })
      assert.equal(error, undefined)
    }
    const partial = { data: rows(0, 1), success: false, errors: ['one is missing'] }
    assert.equal(
      (await runOnce(t, inTurn(partial), { stream: timed(keyset({ field: '/id', param: 'after' })) })).error,
      undefined,
    )
  })

  test('shows no credential, no line break and no endless list of names in its error', async (t) => {
    const key = SECRETS.SHOP_KEY
    const source = { auth: bearer(secret('SHOP_KEY')) }
    const names = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(300)}\n${index}`, 1]))
    const { error } = await runOnce(t, inTurn({ error: `the token ${key}\nis no good`, ...names }), {
      stream: timed(byCursor),
      source,
    })
    const { message } = error as Error
    assert.match(message, /has nothing at "\/data"; it has error, .*error is the token \*\*\* is no good$/)
    assert.ok(!message.includes(key) && !message.includes('\n') && message.length < 700, message)
  })

  test('is an empty page where the declaration says that the API omits it, also for a function that returns undefined', async (t) => {
    const body = { paging: { next: null } }
    for (const records of [optional('/data'), optional((answer: unknown) => (answer as { data?: unknown }).data)]) {
      const ran = await runOnce(t, inTurn(body), { stream: timed(byCursor, { records }) })
      assert.deepEqual([ran.error, ran.put.length, ran.attention], [undefined, 1, []])
    }
    const records = (answer: unknown) => (answer as { data?: unknown }).data
    assertStopped(
      (await runOnce(t, inTurn(body), { stream: timed(byCursor, { records }) })).error,
      'HR_NO_RECORDS',
      /has nothing from its records function; it has paging/,
    )
  })
})

describe('a next cursor or URL that the answer omits', () => {
  const byUrl = nextUrl({ next: '/paging/next' })
  /** The same pages for both: the next one is named by a cursor that is a URL too. */
  const pagesOf = (sizes: readonly number[], last: Record<string, unknown> = {}): Script => {
    let from = 0
    const bodies = sizes.map((size, index) => {
      const data = rows(from, from + size)
      from += size
      return index === sizes.length - 1 ? { data, ...last } : { data, paging: { next: `?cursor=${index + 1}` } }
    })
    return (_, number) => ({ json: bodies[number] })
  }
  const kinds = [byCursor, byUrl] as const

  test('on a page that may be full holds the watermark and says so; a later run asks for all of it again', async (t) => {
    for (const paginate of kinds) {
      for (const [sizes, last] of [
        [[2, 2], {}],
        [[2, 2], { paging: {} }],
        [[2, 3], {}],
        [[2], {}],
      ] as const) {
        const ran = await runOnce(t, pagesOf(sizes, last), { stream: timed(paginate) })
        assert.equal(ran.error, undefined)
        assert.deepEqual(
          confirmed(ran),
          sizes.map(() => null),
        )
        assert.deepEqual(
          kept(ran),
          sizes.map(() => null),
        )
        assert.match(
          heldBy(ran)[0] ?? '',
          /the watermark holds: the answer has no next (cursor|URL), and its page of \d records may be a full one/,
        )
        assert.deepEqual([ran.put.at(-1)?.checkpoint.done, ran.put.at(-1)?.marker.last], [true, true])
      }
    }
  })

  test('holds the watermark of a sorted stream at the page before', async (t) => {
    const ran = await runOnce(t, pagesOf([2, 2]), { stream: timed(byCursor, {}, { sorted: true }) })
    assert.deepEqual([confirmed(ran), kept(ran), heldBy(ran).length], [[at(1), null], [at(1), at(1)], 1])
  })

  test('ends the walk on a page that is empty, or shorter than an earlier one, also after a restart', async (t) => {
    for (const paginate of kinds) {
      for (const sizes of [[2, 1], [2, 0], [0], [1, 3, 2]]) {
        const script = pagesOf(sizes)
        const ran = await runOnce(t, script, { stream: timed(paginate) })
        assert.deepEqual(
          [ran.error, heldBy(ran), ran.put.at(-1)?.checkpoint.watermark !== null],
          [undefined, [], sizes[0] !== 0],
        )
      }
    }
    const whole = await runOnce(t, pagesOf([3, 2]), { stream: timed(byCursor) })
    const plan = JSON.parse(JSON.stringify(whole.put[0]?.checkpoint ?? {}))
    const rest = await runOnce(t, (_, number) => pagesOf([3, 2])({} as never, number + 1), {
      stream: timed(byCursor),
      plan,
    })
    assert.deepEqual([heldBy(rest), confirmed(rest)], [[], [at(4)]])
  })

  test('ends the walk on a page shorter than the size that is declared, or that the request asks for', async (t) => {
    for (const [stream, isShort] of [
      [timed(cursor({ next: '/paging/next', param: 'cursor', size: 3 })), true],
      [timed(nextUrl({ next: '/paging/next', size: { param: 'per_page', value: 3 } })), true],
      [timed(byCursor, { params: { limit: 3 } }), true],
      [timed(byCursor, { params: { 'page[size]': 3 } }), true],
      [timed(byCursor, { params: { limit: 2 } }), false],
      [timed(cursor({ next: '/paging/next', param: 'cursor', size: 2 })), false],
    ] as const) {
      const ran = await runOnce(t, pagesOf([2]), { stream })
      assert.deepEqual([ran.error, heldBy(ran).length === 0], [undefined, isShort])
    }
    const sized = await runOnce(t, pagesOf([2]), {
      stream: timed(nextUrl({ next: '/next', size: { param: 'per_page', value: 3 } })),
    })
    assert.equal(sized.requests[0]?.query.get('per_page'), '3')
  })

  test('ends the walk where the place is optional, and where it is null, "" or false', async (t) => {
    for (const paginate of [
      cursor({ next: optional('/paging/next'), param: 'cursor' }),
      nextUrl({ next: optional('/paging/next') }),
      nextUrl({ next: optional((body: unknown) => (body as { paging?: { next?: string } }).paging?.next) }),
    ]) {
      const ran = await runOnce(t, pagesOf([2, 2]), { stream: timed(paginate) })
      assert.deepEqual([ran.error, heldBy(ran), confirmed(ran)], [undefined, [], [null, at(3)]])
    }
    for (const next of [null, '', false]) {
      for (const paginate of kinds) {
        const ran = await runOnce(t, pagesOf([2, 2], { paging: { next } }), { stream: timed(paginate) })
        assert.deepEqual([ran.error, heldBy(ran), confirmed(ran)], [undefined, [], [null, at(3)]])
      }
    }
  })

  test('ends the walk where it would be in a header, as with a Link header', async (t) => {
    const script: Script = (_, number) => ({
      json: { data: [row(number)] },
      ...(number === 0 ? { headers: { 'x-next': 'a' } } : {}),
    })
    for (const nextHeader of ['X-Next', optional('X-Next')]) {
      const ran = await runOnce(t, script, { stream: timed(cursor({ nextHeader, param: 'cursor' })) })
      assert.deepEqual([heldBy(ran), confirmed(ran)], [[], [null, at(1)]])
    }
  })

  test('holds the watermark of all later windows too, also when the run is interrupted behind that window', async (t) => {
    const paginate = windows({ to: 'until', size: '4h', pages: byCursor })
    const script: Script = ({ query }) => {
      const [from, until] = [query.get('since') ?? '', query.get('until') ?? '']
      const data = rows(0, 12).filter((each) => each.at >= from && each.at < until)
      return { json: from.startsWith('2026-01-01T04') ? { data } : { data, paging: { next: null } } }
    }
    const stream = timed(paginate, {}, { start: at(0) })
    const startedMs = Date.UTC(2026, 0, 1, 12)
    const ran = await runOnce(t, script, { stream, plan: { startedMs } })
    assert.deepEqual([confirmed(ran), kept(ran), heldBy(ran).length], [[at(4), null, null], [at(4), at(4), at(4)], 1])
    assert.equal(ran.put[1]?.checkpoint.done, false)
    const rest = await runOnce(t, script, { stream, plan: JSON.parse(JSON.stringify({ ...ran.put[1]?.checkpoint })) })
    assert.deepEqual([confirmed(rest), kept(rest), heldBy(rest).length], [[null], [at(4)], 1])
  })

  test('withholds the mark of a complete walk', async (t) => {
    const stream = { schema, paginate: byCursor, deletes: 'full-walk' }
    const walked = { from: 0, atMs: Date.UTC(2026, 5, 1) }
    const held = await runOnce(t, pagesOf([2, 2]), { stream, plan: { walk: walked } })
    assert.deepEqual([held.put.at(-1)?.marker.complete, heldBy(held).length], [undefined, 1])
    const whole = await runOnce(t, pagesOf([2, 2], { paging: { next: null } }), { stream, plan: { walk: walked } })
    assert.notEqual(whole.put.at(-1)?.marker.complete, undefined)
  })

  test('leaves a backfill to be gone on with, instead of done', async (t) => {
    const range = { from: at(0), to: at(9) }
    const plan = { range, from: at(0), watermark: at(0), seen: at(0) }
    const held = await runOnce(t, pagesOf([2, 2]), { stream: timed(byCursor), plan })
    assert.deepEqual([held.put.at(-1)?.checkpoint.done, held.put.at(-1)?.checkpoint.watermark], [false, at(0)])
    const whole = await runOnce(t, pagesOf([2, 2], { paging: { next: null } }), { stream: timed(byCursor), plan })
    assert.equal(whole.put.at(-1)?.checkpoint.done, true)
  })
})

describe('other declared places', () => {
  test('a flag that is missing is an error, unless it is optional: then the cursor, or the pages, say where the walk ends', async (t) => {
    const page = (number: number) => ({ data: [row(number)], paging: { next: number < 2 ? String(number + 1) : null } })
    for (const [paginate, omitted] of [
      [
        { ...byCursor, hasMore: '/more' },
        { ...byCursor, hasMore: optional('/more') },
      ],
      [pageNumber({ hasMore: '/more' }), pageNumber({ hasMore: optional('/more') })],
      [offset({ limit: 1, hasMore: '/more' }), offset({ limit: 1, hasMore: optional('/more') })],
      [
        keyset({ field: '/id', param: 'after', hasMore: '/more' }),
        keyset({ field: '/id', param: 'after', hasMore: optional('/more') }),
      ],
    ]) {
      const script: Script = (_, number) => ({ json: number < 3 ? page(number) : { data: [] } })
      assertStopped(
        (await walk(t, paginate, script)).error,
        'HR_NO_NEXT_PAGE',
        /hasMore is declared at "\/more", but the answer has nothing/,
      )
      const walked = await walk(t, omitted, script)
      assert.deepEqual([walked.error, walked.pages.flatMap(({ records }) => records).length], [undefined, 3])
    }
  })

  test('a total that is missing is an error, unless it is optional: then an empty page ends the walk', async (t) => {
    const script =
      (total: Record<string, unknown>): Script =>
      (_, number) => ({ json: { data: number < 3 ? [row(number)] : [], ...total } })
    for (const make of [
      (place: unknown) => pageNumber({ totalPages: place as string }),
      (place: unknown) => pageNumber({ totalRecords: place as string }),
      (place: unknown) => offset({ limit: 1, total: place as string }),
      (place: unknown) => keyset({ field: '/id', param: 'after', total: place as string }),
    ]) {
      assertStopped(
        (await walk(t, make('/total'), script({}))).error,
        'HR_NO_NEXT_PAGE',
        /is declared at "\/total", but the answer has nothing/,
      )
      for (const place of [optional('/total'), { at: optional('/total') }]) {
        for (const total of [{}, { total: null }]) {
          const walked = await walk(t, make(place), script(total))
          assert.deepEqual([walked.error, walked.pages.flatMap(({ records }) => records).length], [undefined, 3])
        }
      }
    }
  })

  test('a flag that says whether a window is capped is missing: an error, unless it is optional', async (t) => {
    const script: Script = () => ({ json: { data: [] } })
    const capped = (cap: unknown) =>
      windows({ to: 'until', size: '1d', cap: cap as () => unknown, pages: { kind: 'none' } as const })
    for (const [cap, code] of [
      ['/truncated', 'HR_NO_NEXT_PAGE'],
      [(body: unknown) => (body as { truncated?: boolean }).truncated, 'HR_NO_NEXT_PAGE'],
      [optional('/truncated'), undefined],
    ] as const) {
      const stream = timed(capped(cap), {}, { start: at(0) })
      const { error } = await runOnce(t, script, { stream, plan: { startedMs: Date.UTC(2026, 0, 3) } })
      assert.equal((error as { code?: string } | undefined)?.code, code)
    }
  })

  test('what an optional place may be is checked when the file is loaded', () => {
    const load = (stream: Record<string, unknown>) => () => declareSource('http://127.0.0.1:1', {}, stream)
    for (const stream of [
      { records: optional('data') },
      { paginate: { kind: 'cursor', next: optional('next'), param: 'c' } },
      { paginate: offset({ limit: 5, total: { exact: false } }) },
      { paginate: offset({ limit: 5, stop: 'short', total: '/total' }) },
      { envelope: { id: optional('meta') } },
    ]) {
      assert.throws(load(stream), { code: 'HR_DECLARATION' })
    }
    for (const stream of [
      { paginate: offset({ limit: 5, stop: 'short', total: { at: '/total', exact: false } }) },
      { paginate: offset({ limit: 5, stop: 'short', total: false }) },
      { paginate: cursor({ next: optional('/next'), param: 'c', total: { header: 'X-Total' } }) },
      { envelope: { id: optional('/meta/id') } },
    ]) {
      assert.doesNotThrow(load(stream))
    }
    const child = { partitions: parent({ stream: 'accounts', over: 2, values: optional(() => null) }) }
    assert.throws(load(child), /the source has no stream "accounts"/)
  })
})
