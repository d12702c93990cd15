import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { walkRecorded } from 'headrace/testing'
import { systemClock } from '#shared/clock.ts'
import type { Declared } from '#shared/declaration/source-spec.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { csv, cursor, gunzip, linkHeader, nextUrl, none, offset, setting, xml, z } from '#shared/index.ts'
import { createDryRun } from '../../../../services/fetcher/authoring/dry-run.ts'
import {
  createRecorder,
  readRecording,
  writeRecording,
} from '../../../../services/fetcher/authoring/recording/recording.ts'
import { type Answer, type Asked, startServer } from '../../../support/http.ts'
import { declareShop, order, STREAM, streamOf } from '../../declared.ts'
import { apiFor, ownFolder, PATIENT, twoPages } from '../authoring.ts'

type Part = Record<string, unknown>

/** Walks a shop on a real server, and records it. */
async function recorded(t: TestContext, script: (asked: Asked) => Answer, stream: Part = {}, source: Part = {}) {
  const server = await startServer(t, script)
  const shop = declareShop(stream, { baseUrl: server.url, ...PATIENT, ...source })
  const api = apiFor(t, shop)
  const file = join(ownFolder(t), 'shop.orders.recording.json')
  const recorder = createRecorder(streamOf(shop), {
    partition: 0,
    baseUrl: api.baseUrl,
    redactor: api.redactor,
    clock: systemClock,
  })
  const { signal } = new AbortController()
  const dryRun = createDryRun({
    stream: streamOf(shop),
    partition: 0,
    baseUrl: api.baseUrl,
    send: recorder.around(api.send),
    signal,
    startedMs: 0,
  })
  while ((await dryRun.next()) !== null);
  const recording = recorder.recording()
  assert.ok(recording !== null)
  writeRecording(file, recording)
  await server.close()
  return { file, server, dryRun, declared: declared(server.url, stream, source) }
}

const declared = (baseUrl: string, stream: Part = {}, source: Part = {}): Declared => ({
  declared: 'headrace',
  input: { name: 'shop', baseUrl, ...source, streams: { orders: { ...STREAM, ...stream } } },
})

async function stoppedBy(promise: Promise<unknown>, code: string): Promise<Stopped> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof Stopped, String(error))
    assert.equal(error.code, code)
    return error
  }
  throw new Error('nothing stopped it')
}

test('answers that a function decides of are recorded as what they mean, and walked again without the function', async (t) => {
  const judge = ({ status }: { status: number }) => (status === 404 ? 'page' : status === 403 ? 'empty' : null)
  const pages: Answer[] = [
    { status: 404, json: { data: [order('a')], next: '1' } },
    { status: 403, json: {} },
  ]
  const script = ({ query }: Asked): Answer => pages[query.has('cursor') ? 1 : 0]!
  const { file, declared: source } = await recorded(t, script, { answers: { judge } })
  const { exchanges } = readRecording(file)
  assert.deepEqual(
    exchanges.map(({ response: { status, body } }) => [status, body]),
    [
      [200, { data: [order('a')], next: '1' }],
      [204, null],
    ],
  )
  const walked = await walkRecorded(source, 'orders', file)
  assert.equal(walked.records.length, 1)
})

describe('an answer that is not JSON', () => {
  for (const [name, stream, body] of [
    ['a table in a gzip file', { records: undefined, decode: [gunzip(), csv()] }, gzipSync('id,note\na,x\nb,\n')],
    ['a table in chunks', { records: undefined, decode: csv({ chunks: { recordsMax: 1 } }) }, 'id,note\na,x\nb,\n'],
    ['XML', { records: '/R/S', decode: xml() }, '<R><S><id>a</id><note>x</note></S><S><id>b</id></S></R>'],
  ] as const) {
    test(`is recorded as its decoder gives it, and replayed: ${name}`, async (t) => {
      const schema = z.object({ id: z.string(), note: z.string().optional() })
      const { file, declared: walked } = await recorded(t, () => ({ body }), {
        ...{ schema, watermark: undefined, paginate: none() },
        ...stream,
      })
      const { records, deadLetters } = await walkRecorded(walked, 'orders', file)
      assert.deepEqual([records, deadLetters], [[{ id: 'a', note: 'x' }, { id: 'b' }], []])
    })
  }
})

describe('an answer that is nested deeper than JSON.stringify can go', () => {
  const DEPTH = 15_000
  const deep = `${'{"a":['.repeat(DEPTH)}0${']}'.repeat(DEPTH)}`
  const body = (id: string, next: string | null) =>
    `{"data":[${JSON.stringify(order(id))},{"id":"deep","__proto__":{"s":"k3y-of-shop"},"odd":${deep}}],"next":${JSON.stringify(next)}}`
  const script = (asked: Asked): Answer => ({ body: asked.query.has('cursor') ? body('b', null) : body('a', 'b') })

  test('is looked at, recorded and replayed as a run takes it', async (t) => {
    assert.throws(() => JSON.stringify(JSON.parse(deep)), RangeError)
    const { file, dryRun, declared: walked } = await recorded(t, script)
    assert.deepEqual(
      dryRun.pages.map(({ validated }) => [validated.records.length, validated.rejected[0]?.raw.includes(deep)]),
      [
        [1, true],
        [1, true],
      ],
    )
    const again = await walkRecorded(walked, 'orders', file)
    assert.deepEqual([again.pages, again.records.length, again.deadLetters.length], [2, 2, 2])
    assert.ok(again.deadLetters[0]?.raw.includes(deep))
    assert.match(again.deadLetters[0]?.raw ?? '', /"__proto__":\{"s":"k3y-of-shop"\}/)
  })
})

describe('a replay refuses', () => {
  test('a request that is not the recorded one, and names the nearest and what differs', async (t) => {
    const { file, server } = await recorded(t, twoPages)
    const changed = declared(server.url, { paginate: cursor({ next: '/next', param: 'after' }) })
    const { message, hint } = await stoppedBy(walkRecorded(changed, 'orders', file), 'HR_NOT_RECORDED')
    assert.match(message, /^shop\.orders: request 2 is not in the recording: GET http:\S+\/orders\?after=b\n/)
    assert.match(message, /nearest: exchange 1, GET http:\S+\/orders, which differs in the parameter after/)
    assert.match(hint ?? '', /preview shop\.orders --record/)
  })

  test('another path, method, body or header', async (t) => {
    const { file, server } = await recorded(t, twoPages, { method: 'POST', body: { region: 'eu' } })
    const differing: [Part, RegExp][] = [
      [{ path: '/invoices' }, /differs in the path/],
      [{ method: 'GET', body: undefined }, /differs in the method, the body/],
      [{ body: { region: 'us' } }, /"region":"us".*\n.*"region":"eu".*differs in the body/],
      [{ headers: { Accept: 'text/csv' } }, /differs in the header accept/],
      [{ params: { region: 'eu' } }, /differs in the parameter region/],
    ]
    for (const [part, words] of differing) {
      const base = { method: 'POST', body: { region: 'eu' }, ...part }
      assert.match(
        (await stoppedBy(walkRecorded(declared(server.url, base), 'orders', file), 'HR_NOT_RECORDED')).message,
        words,
      )
    }
  })

  test('a recorded request out of its turn', async (t) => {
    const { file, declared } = await recorded(t, twoPages)
    const recording = readRecording(file)
    writeRecording(file, { ...recording, exchanges: recording.exchanges.toReversed() })
    const { message } = await stoppedBy(walkRecorded(declared, 'orders', file), 'HR_NOT_RECORDED')
    assert.match(message, /request 1 .*\n.*exchange 2.*it comes as request 2/)
  })

  test('to end before the recording does', async (t) => {
    const { file, server } = await recorded(t, twoPages)
    const changed = declared(server.url, { paginate: cursor({ next: '/meta/next', param: 'cursor' }) })
    const { message } = await stoppedBy(walkRecorded(changed, 'orders', file), 'HR_RECORDING_LEFT')
    assert.match(message, /ends after exchange 1, but the recording has 2/)
  })

  test('a file that is none, or of another stream, or missing, and names it', async (t) => {
    const { file, declared } = await recorded(t, twoPages)
    const refused = (words: RegExp) => (error: unknown) => error instanceof WrongUse && words.test(error.message)
    await assert.rejects(walkRecorded(declared, 'items', file), refused(/shop has no stream "items"/))
    writeRecording(file, { ...readRecording(file), stream: 'shop.items' })
    await assert.rejects(
      walkRecorded(declared, 'orders', file),
      refused(/a recording of shop\.items, not of shop\.orders/),
    )
    writeFileSync(file, '{"headrace":"recording","v":1}')
    await assert.rejects(walkRecorded(declared, 'orders', file), refused(/recording\.json: is not a recording: stream/))
    await assert.rejects(
      walkRecorded(declared, 'orders', `${file}.none`),
      refused(/none: cannot be read as a recording/),
    )
  })

  test('what the run refuses: an answer without records', async (t) => {
    const { file, server } = await recorded(t, twoPages)
    await stoppedBy(walkRecorded(declared(server.url, { records: '/data/0' }), 'orders', file), 'HR_NO_RECORDS')
  })
})

describe('a recording', () => {
  test('gives the records, dead letters and drift that the walk itself gave', async (t) => {
    const script = ({ query }: Asked): Answer =>
      query.has('cursor')
        ? { json: { data: [order('2', 2), { ...order('3', 3), colour: 'red' }], next: null } }
        : { json: { data: [order('1', 1), { ...order('x'), total: 'much' }, order('2', 2)], next: 'b' } }
    const { file, dryRun, declared } = await recorded(t, script)
    const walked = await walkRecorded(declared, 'orders', file)
    assert.deepEqual(walked.records, [order('1', 1), order('2', 2), { ...order('3', 3), _extra: { colour: 'red' } }])
    assert.deepEqual(
      dryRun.pages.flatMap(({ fresh }) => fresh.records.map(({ payload }) => JSON.parse(payload))),
      walked.records,
    )
    assert.deepEqual(walked.drift, { colour: 'string' })
    assert.equal(walked.unchanged, 1)
    assert.equal(walked.pages, 2)
    const [letter] = walked.deadLetters
    assert.deepEqual(
      [letter?.page, letter?.reason, JSON.parse(letter?.raw ?? '')],
      [1, 'invalid_type', { ...order('x'), total: 'much' }],
    )
    assert.deepEqual(
      walked.requests.map(({ url }) => new URL(url).search),
      ['', '?cursor=b'],
    )
  })

  test('serves every way of paging', async (t) => {
    const pages = (asked: Asked, next: (place: string) => Answer): Answer => {
      const second =
        asked.query.has('page') ||
        asked.query.get('offset') === '2' ||
        asked.headers['x-after'] === 'b' ||
        asked.body.includes('b')
      return {
        ...next(second ? '' : `${asked.path}?page=2`),
        json: {
          data: second ? [order('3')] : [order('1'), order('2')],
          next: second ? null : `http://${asked.headers.host}/orders?page=2`,
        },
      }
    }
    const ways: [Part, (asked: Asked) => Answer][] = [
      [
        { paginate: linkHeader() },
        (asked) => pages(asked, (place) => (place === '' ? {} : { headers: { link: `<${place}>; rel="next"` } })),
      ],
      [{ paginate: nextUrl({ next: '/next' }) }, (asked) => pages(asked, () => ({}))],
      [{ paginate: offset({ limit: 2 }) }, (asked) => pages(asked, () => ({}))],
      [
        { paginate: cursor({ nextHeader: 'X-Next', header: 'X-After' }) },
        (asked) => pages(asked, (place) => (place === '' ? {} : { headers: { 'x-next': 'b' } })),
      ],
      [
        { paginate: cursor({ nextHeader: 'X-Next', body: '/after' }), method: 'POST', body: {} },
        (asked) => pages(asked, (place) => (place === '' ? {} : { headers: { 'x-next': 'b' } })),
      ],
    ]
    for (const [part, script] of ways) {
      const { file, declared } = await recorded(t, script, part)
      const { records } = await walkRecorded(declared, 'orders', file)
      assert.deepEqual(
        records.map(({ id }) => id),
        ['1', '2', '3'],
        JSON.stringify(part),
      )
    }
  })

  test('keeps an exact number exact, also one that a person writes into it', async (t) => {
    const schema = z.object({ id: z.string() })
    const one = { paginate: STREAM.paginate, schema, watermark: undefined }
    const { file, declared } = await recorded(t, () => ({ body: '{"data":[{"id":9007199254740993}]}' }), one)
    assert.deepEqual((await walkRecorded(declared, 'orders', file)).records, [{ id: '9007199254740993' }])
    writeFileSync(file, readFileSync(file, 'utf8').replace('"9007199254740993"', '9007199254740995'))
    assert.deepEqual((await walkRecorded(declared, 'orders', file)).records, [{ id: '9007199254740995' }])
  })

  test('holds of an answer only the headers that a walk reads, and no cookie', async (t) => {
    const headers = { 'set-cookie': 'session=s3ss10n', 'x-account': 'me', 'x-next': '' }
    const { file } = await recorded(t, (asked) => ({ ...twoPages(asked), headers }), { headers: { 'X-Team': 'north' } })
    const { exchanges } = readRecording(file)
    assert.deepEqual(Object.keys(exchanges[0]?.response.headers ?? {}).sort(), ['content-type', 'date'])
    assert.equal(exchanges[0]?.request.headers, undefined)
    assert.doesNotMatch(readFileSync(file, 'utf8'), /s3ss10n|north/)
  })

  test('of a source whose address is a setting is replayed at the address of then', async (t) => {
    const { file } = await recorded(t, twoPages)
    const elsewhere = declared('', {}, { baseUrl: setting('SHOP_URL', 'http://127.0.0.1:9') })
    assert.equal((await walkRecorded(elsewhere, 'orders', file)).pages, 2)
    const moved = declared('http://127.0.0.1:9')
    assert.match(
      (await stoppedBy(walkRecorded(moved, 'orders', file), 'HR_NOT_RECORDED')).message,
      /differs in the origin/,
    )
  })

  test('replaces an earlier one, and no other file', async (t) => {
    const { file } = await recorded(t, twoPages)
    const recording = readRecording(file)
    writeRecording(file, recording)
    const other = join(ownFolder(t), 'shop.ts')
    writeFileSync(other, 'export default 1')
    assert.throws(() => writeRecording(other, recording), { code: 'HR_RECORDING_FILE' })
    assert.equal(readFileSync(other, 'utf8'), 'export default 1')
    assert.throws(() => writeRecording(join(ownFolder(t), 'none', 'x.json'), recording), { code: 'HR_RECORDING_FILE' })
  })

  test('goes on where a redirect led to', async (t) => {
    const script = (asked: Asked): Answer => {
      if (asked.path === '/orders') return { status: 302, headers: { location: '/v2/list' } }
      const second = asked.query.has('page')
      return { json: { data: [order(second ? '2' : '1')], next: second ? null : '?page=2' } }
    }
    const { file, declared } = await recorded(t, script, { paginate: nextUrl({ next: '/next' }) })
    const { requests } = await walkRecorded(declared, 'orders', file)
    assert.deepEqual(
      requests.map(({ url }) => new URL(url).pathname),
      ['/orders', '/v2/list'],
    )
  })
})
