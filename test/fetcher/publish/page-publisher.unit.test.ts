import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Append, Appended, OffsetCommit, Publisher } from '#shared/kafka/kafka.ts'
import { MARKER_HEADER, parseDeadLetterHeaders, parseMarker, schemaIdOf } from '#shared/messages/frame.ts'
import { parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import { createOutlet, type PublishedPage } from '../../../services/fetcher/publish/page-publisher.ts'

const PLACE = {
  topic: 'shop.orders',
  deadLetters: 'shop.orders.dead-letters',
  partition: 3,
  group: 'fetcher',
  schemaId: 258,
}

type Transaction = { appends: readonly Append[]; checkpoint: OffsetCommit; finish(): void; fail(error: Error): void }

/** Stands for the port: each transaction waits until the test ends it. */
function recorder() {
  const transactions: Transaction[] = []
  let offset = 100
  const publisher: Publisher = {
    fence: async () => {},
    close: async () => {},
    publish(appends, checkpoint) {
      const appended: Appended[] = appends.map(({ topic, partition, messages }) => {
        const firstOffset = offset
        offset += messages.length
        return { topic, partition, firstOffset, nextOffset: offset }
      })
      const done = Promise.withResolvers<readonly Appended[]>()
      const finish = () => done.resolve(appended)
      transactions.push({ appends, checkpoint: checkpoint(appended), finish, fail: done.reject })
      return done.promise
    },
  }
  return { publisher, transactions }
}

function page(number: number, records = 1, rejected = 0): PublishedPage {
  const facts = { run: 'r', page: number, watermark: null }
  return {
    marker: {
      ...{ v: 1, ...facts, at: 1_000 + number, records, deadLetters: rejected, unchanged: 0, drift: 0 },
      ...{ requests: 1, retries: 0, bytes: 1, durationMs: 1, last: false },
    },
    checkpoint: { v: 1, ...facts, startedMs: 0, done: false, from: null, cursor: `c${number}`, seen: null },
    records: Array.from({ length: records }, (_, at) => ({
      key: `${number}-${at}`,
      payload: `{"n":${number}}`,
      position: null,
    })),
    rejected: Array.from({ length: rejected }, (_, at) => ({
      raw: `bad-${number}-${at}`,
      reason: 'invalid_type',
      issues: 'id: no',
    })),
    url: 'http://api/orders',
  }
}

const BOUNDS = { pagesAhead: 4, transactionRecords: 100 }
const pagesOf = ({ appends }: Transaction) =>
  (appends[0]?.messages ?? []).flatMap((message) => parseMarker(message.headers?.[MARKER_HEADER])?.page ?? [])

function outletOf(bounds = BOUNDS) {
  const { publisher, transactions } = recorder()
  const published: number[] = []
  const checkpoints: OffsetCommit[] = []
  const outlet = createOutlet(publisher, PLACE, bounds, (pages, checkpoint) => {
    published.push(...pages.map(({ marker }) => marker.page))
    checkpoints.push(checkpoint)
  })
  return { outlet, transactions, published, checkpoints }
}

/** Ends transactions as they come, until `work` is done. */
async function finishing<T>(transactions: readonly Transaction[], work: Promise<T>): Promise<T> {
  let done = false
  const ended = work.finally(() => {
    done = true
  })
  ended.catch(() => {})
  for (let at = 0; !done; await setImmediate()) while (at < transactions.length) transactions[at++]?.finish()
  return ended
}

describe('the outlet of pages', () => {
  test('cuts a dead letter that is too long in front of a character', async () => {
    const { outlet, transactions } = outletOf()
    for (let shift = 0; shift < 4; shift++) {
      const raw = 'x'.repeat(shift) + '\u{1f600}'.repeat(1_100_000)
      await finishing(transactions, outlet.put({ ...page(shift + 1), rejected: [{ raw, reason: 'r', issues: 'i' }] }))
    }
    await finishing(transactions, outlet.flush())
    const values = transactions.flatMap(({ appends }) =>
      (appends[1]?.messages ?? []).map(({ value }) => value as Buffer),
    )
    assert.equal(values.length, 4)
    for (const value of values) {
      assert.ok(isUtf8(value))
      assert.ok(value.length > 4_194_300 && value.length <= 4_194_304)
    }
  })

  test('a failed transaction surfaces at the next put and at the flush, and nothing follows it', async () => {
    const { outlet, transactions, published } = outletOf()
    await outlet.put(page(1))
    await outlet.put(page(2))
    transactions[0]?.fail(new Error('no broker'))
    await assert.rejects(outlet.flush(), /no broker/)
    await assert.rejects(outlet.put(page(3)), /no broker/)
    await assert.rejects(outlet.flush(), /no broker/)
    assert.equal(transactions.length, 1)
    assert.deepEqual(published, [])
  })

  test('a failure reaches a put that waits for room', async () => {
    const { outlet, transactions } = outletOf({ ...BOUNDS, pagesAhead: 1 })
    await outlet.put(page(1))
    const waiting = outlet.put(page(2))
    transactions[0]?.fail(new Error('fenced'))
    await assert.rejects(waiting, /fenced/)
  })

  test('a page that cannot even be written fails like any other', async () => {
    const { publisher } = recorder()
    const outlet = createOutlet(publisher, { ...PLACE, schemaId: -1 }, BOUNDS, () => {})
    await outlet.put(page(1)).catch(() => {})
    await assert.rejects(outlet.flush(), RangeError)
  })

  test('pages that come during a transaction share the next, in their order, with the checkpoint of the last', async () => {
    const { outlet, transactions, published, checkpoints } = outletOf()
    for (const number of [1, 2, 3, 4]) await outlet.put(page(number))
    assert.equal(transactions.length, 1)
    await finishing(transactions, outlet.flush())
    assert.deepEqual(transactions.map(pagesOf), [[1], [2, 3, 4]])
    assert.deepEqual(published, [1, 2, 3, 4])
    assert.deepEqual(
      checkpoints.map(({ metadata }) => parseCheckpoint(metadata)?.page),
      [1, 4],
    )
  })

  test('a transaction takes no more records than its bound, dead letters counted, but always one page', async () => {
    const { outlet, transactions } = outletOf({ pagesAhead: 9, transactionRecords: 10 })
    for (const [number, records, rejected] of [
      [1, 1, 0],
      [2, 30, 0],
      [3, 4, 2],
      [4, 4, 0],
      [5, 1, 0],
    ] as const) {
      await outlet.put(page(number, records, rejected))
    }
    await finishing(transactions, outlet.flush())
    assert.deepEqual(transactions.map(pagesOf), [[1], [2], [3, 4], [5]])
  })

  test('as many pages wait as may, and the next put waits until there is room', async () => {
    const { outlet, transactions } = outletOf({ pagesAhead: 2, transactionRecords: 1 })
    await outlet.put(page(1))
    await outlet.put(page(2))
    let taken = false
    const third = outlet.put(page(3)).then(() => {
      taken = true
    })
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    assert.equal(taken, false)
    transactions[0]?.finish()
    await third
    assert.equal(transactions.length, 2)
    await finishing(transactions, outlet.flush())
    assert.deepEqual(transactions.map(pagesOf), [[1], [2], [3]])
  })

  test('a flush with nothing put, or everything committed, is done at once', async () => {
    const { outlet, transactions } = outletOf()
    await outlet.flush()
    await outlet.put(page(1))
    await finishing(transactions, outlet.flush())
    await outlet.flush()
    await outlet.put(page(2))
    await finishing(transactions, outlet.flush())
    assert.deepEqual(transactions.map(pagesOf), [[1], [2]])
  })

  test('records are frames in order, the marker is behind them, and the checkpoint stands behind the marker', async () => {
    const { outlet, transactions } = outletOf()
    await outlet.put(page(1, 2))
    const [transaction] = transactions
    assert.deepEqual(
      transaction?.appends.map(({ topic, partition }) => [topic, partition]),
      [[PLACE.topic, 3]],
    )
    const messages = transaction?.appends[0]?.messages ?? []
    assert.deepEqual(
      messages.map(({ key }) => key),
      ['1-0', '1-1', null],
    )
    assert.equal(schemaIdOf(Buffer.concat([messages[0]?.head as Buffer, Buffer.from('{}')])), 258)
    assert.equal(messages[0]?.value, '{"n":1}')
    assert.equal(messages[2]?.value, null)
    assert.ok(messages.every(({ timestampMs }) => timestampMs === 1_001))
    const { metadata, ...place } = transaction?.checkpoint ?? { metadata: '' }
    assert.deepEqual(place, { group: 'fetcher', topic: PLACE.topic, partition: 3, offset: 103 })
    assert.equal(parseCheckpoint(metadata)?.cursor, 'c1')
  })

  test('dead letters go to their own topic in the same transaction, with where they came from', async () => {
    const { outlet, transactions } = outletOf()
    await outlet.put(page(4, 0, 1))
    const [records, letters] = transactions[0]?.appends ?? []
    assert.equal(records?.messages.length, 1)
    assert.equal(letters?.topic, PLACE.deadLetters)
    assert.equal(letters?.partition, 3)
    const [letter] = letters?.messages ?? []
    assert.equal(String(letter?.value), 'bad-4-0')
    assert.deepEqual(parseDeadLetterHeaders(letter?.headers ?? {}), {
      ...{ stage: 'validate', reason: 'invalid_type', issues: 'id: no', run: 'r', page: 4, url: 'http://api/orders' },
    })
    assert.equal(transactions[0]?.checkpoint.offset, 101)
  })

  test('a dead letter says how often it came where that is not once, and is as late as its page', async () => {
    const { outlet, transactions } = outletOf()
    const reject = { raw: '{"ü":"€\u{1f600}"}', reason: 'r', issues: 'i' }
    await outlet.put({ ...page(2), rejected: [{ ...reject, times: 3 }, reject] })
    const letters = transactions[0]?.appends[1]?.messages ?? []
    assert.deepEqual(
      letters.map(({ headers, timestampMs, value, key }) => [
        parseDeadLetterHeaders(headers ?? {})?.times,
        timestampMs,
        String(value),
        key,
      ]),
      [
        [3, 1_002, reject.raw, null],
        [undefined, 1_002, reject.raw, null],
      ],
    )
  })

  test('records of a page with a schema of its own are written by that, the others by the stream’s', async () => {
    const { outlet, transactions } = outletOf()
    await outlet.put(page(1))
    await outlet.put({ ...page(2), schemaId: 7 })
    await outlet.put(page(3))
    await finishing(transactions, outlet.flush())
    const heads = transactions.flatMap(({ appends }) =>
      (appends[0]?.messages ?? []).flatMap(({ head }) => (head === undefined ? [] : [head])),
    )
    assert.deepEqual(
      heads.map((head) => schemaIdOf(Buffer.concat([head, Buffer.from('{}')]))),
      [258, 7, 258],
    )
  })

  test('what is not too large is kept to the last byte, half a surrogate pair as the sign for it', async () => {
    const { outlet, transactions } = outletOf()
    const whole = 'x'.repeat(4 * 1024 * 1024)
    await outlet.put({ ...page(1), rejected: [whole, '', 'a\ud800'].map((raw) => ({ raw, reason: 'r', issues: 'i' })) })
    const values = (transactions[0]?.appends[1]?.messages ?? []).map(({ value }) => String(value))
    assert.ok(values[0] === whole)
    assert.deepEqual(values.slice(1), ['', 'a\ufffd'])
  })

  test('a dead letter keeps the beginning of what is too large for Kafka', async () => {
    const { outlet, transactions } = outletOf()
    const raw = 'x'.repeat(5 * 1024 * 1024)
    await outlet.put({ ...page(1, 0, 1), rejected: [{ raw, reason: 'too_large', issues: '' }] })
    assert.equal(transactions[0]?.appends[1]?.messages[0]?.value?.length, 4 * 1024 * 1024)
  })
})
