/**
 * `headrace_dead_letters`: a row for each letter, whoever refused the record, once, and never in the way of the
 * loading.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connectClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import {
  deadLetterHeaders,
  doneHeaders,
  frame,
  parseDeadLetterHeaders,
  replayHeaders,
  singleHeaders,
} from '#shared/messages/frame.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { replayLetters } from '../../../services/fetcher/dead-letters/replay.ts'
import { createDeadLetterLedger } from '../../../services/loader/commit/dead-letter-ledger.ts'
import { createWriter } from '../../../services/loader/insert/writer.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { command, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { closeAll, compileStream, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const BAD = '{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
const ROWS =
  'SELECT * EXCEPT (loaded_at, fetched_at), toUnixTimestamp64Milli(fetched_at) AS at FROM {db}.headrace_dead_letters'

describe('the ledger of dead letters', () => {
  test('has the letters that came after an insert whose position could not be committed', async () => {
    const place = await ownPlace()
    const published = await publish(place)
    await published.page({ records: [], payloads: [BAD] })
    await loadAll(place)
    await command(place, 'TRUNCATE TABLE {db}.headrace_dead_letters')
    await place.kafka.resetOffsets(
      place.names.lettersLedgerGroup,
      place.names.deadLetters(published.topic),
      new Map([[0, 0]]),
    )
    const client = connectClickHouse(place.config.clickhouse)
    let failures = 1
    const kafka: Kafka = {
      ...place.kafka,
      async resetOffsets(...given) {
        if (failures-- > 0) throw new Unavailable('HR_KAFKA', 'not now')
        return place.kafka.resetOffsets(...given)
      },
    }
    const ledger = createDeadLetterLedger({
      ...{ kafka, names: place.names, clock: systemClock, log: silentLog, metrics: createMetrics() },
      database: place.config.clickhouse.database,
      writer: createWriter(client, place.config.clickhouse),
      tables: createTables(client, place.config.clickhouse, silentLog),
    })
    await ledger.finish()
    assert.equal(await count(place, 'headrace_dead_letters'), 1)

    const sender = place.kafka.sender()
    const facts = {
      stage: 'validate' as const,
      reason: 'invalid_type',
      issues: 'total: no',
      run: 'r1',
      page: 1,
      url: '/',
      replays: 0,
    }
    const letter = { key: null, value: BAD, headers: deadLetterHeaders(facts), timestampMs: 1_700_000_000_123 }
    await sender.send({ topic: place.names.deadLetters(published.topic), partition: 0, messages: [letter] })
    await sender.close()
    await ledger.finish()
    assert.equal(failures, -1)
    assert.equal(
      (await query<{ rows: number }>(place, 'SELECT count() AS rows FROM {db}.headrace_dead_letters FINAL'))[0]?.rows,
      2,
    )
    await client.close()
    await published.close()
  })

  test('holds up no row when its table cannot be filled, and goes on when that is put right', async () => {
    const place = await ownPlace()
    const published = await publish(place)
    await published.page({ records: [order(1)], payloads: [JSON.stringify(order(1)), BAD] })
    await command(place, 'CREATE DATABASE IF NOT EXISTS {db}')
    await command(place, 'CREATE TABLE {db}.headrace_dead_letters (x String) ENGINE = MergeTree ORDER BY x')
    const loader = startLoader(place)
    await until('the row is there', async () => (await count(place, published.table)) === 1)
    await until('it says that it waits', () =>
      loader.lines.some(({ msg }) => msg.startsWith('headrace_dead_letters waits')),
    )
    await command(place, 'DROP TABLE {db}.headrace_dead_letters')
    await until('the letter is there', async () => (await count(place, 'headrace_dead_letters')) === 1)
    await loader.stop()
    await published.close()
  })

  test("has the fetcher's letters and the loader's own with all their facts, once, after a read from the beginning too", async () => {
    const place = await ownPlace()
    const published = await publish(place, compileStream(), 2)
    const letterTopic = place.names.deadLetters(published.topic)
    const sender = place.kafka.sender()
    const facts = {
      stage: 'validate' as const,
      reason: 'invalid_type',
      issues: 'total: no',
      run: 'r1',
      page: 3,
      url: 'http://api/orders',
      replays: 2,
    }
    const letter = { key: null, value: 'ü"\n', headers: deadLetterHeaders(facts), timestampMs: 1_700_000_000_123 }
    const mark = { key: null, value: null, headers: doneHeaders([0], 'dropped') }
    await sender.send({ topic: letterTopic, partition: 1, messages: [letter, mark] })
    await sender.close()
    await published.page({ records: [], payloads: [JSON.stringify(order(1)), BAD], atMs: 1_700_000_000_456 })
    await loadAll(place)

    const names = place.names.streamOf(published.topic)
    const common = { topic: letterTopic, ...names }
    const expected = [
      {
        ...common,
        partition: 0,
        offset: 0,
        stage: 'insert',
        reason: 'CANNOT_PARSE_NUMBER',
        run: '',
        page: null,
        url: '',
        replays: 0,
        raw: BAD,
      },
      { ...common, partition: 1, offset: 0, ...facts, raw: 'ü"\n' },
    ]
    const rows = await query(place, `${ROWS} FINAL ORDER BY partition`)
    assert.deepEqual(
      rows.map(({ issues: _, origin: __, bytes: ___, at: ____, ...row }) => ({ ...row, offset: Number(row.offset) })),
      expected.map((each) => {
        const { issues: _, ...row } = { issues: '', ...each }
        return row
      }),
    )
    assert.deepEqual(
      rows.map(({ at, bytes, origin }) => [Number(at), Number(bytes), origin]),
      [
        [1_700_000_000_456, BAD.length, `${published.topic}/0/1`],
        [1_700_000_000_123, 4, ''],
      ],
    )
    const [own] = await published.deadLetters()
    assert.ok(
      Number(own?.timestamp) > systemClock.nowMs() - 600_000,
      "retention takes the loader's letter by the time of its record",
    )
    const ledger = place.names.lettersLedgerGroup
    await place.kafka.resetOffsets(
      ledger,
      letterTopic,
      new Map([
        [0, 0],
        [1, 0],
      ]),
    )
    await loadAll(place)
    assert.equal(await count(place, 'headrace_dead_letters'), 2)
    assert.deepEqual(
      (await place.kafka.committed(ledger, letterTopic)).slice(0, 2).map((each) => each?.offset),
      [1, 2],
    )
    await published.close()
  })
})

const replaying = { filter: {}, limit: 10, dryRun: false, force: false, clock: systemClock, log: silentLog }

describe('a record that ClickHouse refused', () => {
  test('is loaded by a replay once its table takes it, with the time of its fetch', async () => {
    const place = await ownPlace()
    const published = await publish(place)
    const sender = place.kafka.sender()
    const headers = deadLetterHeaders({
      stage: 'insert',
      reason: 'TYPE_MISMATCH',
      issues: '',
      origin: `${published.topic}/0/0`,
    })
    const value = JSON.stringify({ ...order(1), _extra: { note: 'known by now', colour: 'red' } })
    const atMs = 1_700_000_000_123
    await sender.send({
      topic: place.names.deadLetters(published.topic),
      partition: 0,
      messages: [{ key: null, value, headers, timestampMs: atMs }],
    })
    await sender.close()
    const { stream, config } = { ...published, ...place }
    const { partitions } = await replayLetters({ ...replaying, stream, config, signal: new AbortController().signal })
    assert.deepEqual([partitions[0]?.published, partitions[0]?.refused], [1, 0])
    await loadAll(place)
    const columns = 'id, note, _extra.colour::String AS colour, toUnixTimestamp64Milli(_fetched_at) AS at'
    const rows = await query(place, `SELECT ${columns} FROM {db}.${published.table} FINAL`)
    assert.deepEqual(
      rows.map(({ at, ...row }) => ({ ...row, at: Number(at) })),
      [{ id: 'order-1', note: 'known by now', colour: 'red', at: atMs }],
    )
    await published.close()
  })

  test('after a replay goes back with its count of replays, so that it is left alone at last', async () => {
    const place = await ownPlace()
    const published = await publish(place)
    const again = { key: 'bad', value: frame(published.schemaId, BAD), headers: replayHeaders(4, 'letters/0/0') }
    await published.raw(0, [again, { ...again, value: Buffer.from('no frame') }])
    await loadAll(place)
    const letters = (await published.deadLetters()).map(({ headers }) => parseDeadLetterHeaders(singleHeaders(headers)))
    assert.deepEqual(letters.map(({ stage, replays }) => [stage, replays]).sort(), [
      ['frame', 4],
      ['insert', 4],
    ])
    const { stream, config } = { ...published, ...place }
    const replayed = await replayLetters({ ...replaying, stream, config, signal: new AbortController().signal })
    const sums = replayed.partitions.map(({ published: accepted, refused, reasons, unreadable }) => ({
      accepted,
      refused,
      reasons,
      unreadable,
    }))
    // Its JSON was judged as a record: the schema of today refuses it too.
    assert.deepEqual(sums[0], { accepted: 0, refused: 1, reasons: { invalid_type: 1 }, unreadable: 1 })
    await published.close()
  })
})
