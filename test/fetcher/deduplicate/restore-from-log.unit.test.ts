import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { deadLetterHeaders, frame, MARKER_HEADER, replayHeaders } from '#shared/messages/frame.ts'
import { restoreRecords, restoreRejected } from '../../../services/fetcher/deduplicate/restore-from-log.ts'
import { createSeenRecords, type SeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import type { RejectedRecord } from '../../../services/fetcher/validate/validated-page.ts'

type Kept = Omit<RawMessage, 'timestamp'>
const record = (offset: number, key: string, payload: string): Kept => ({
  ...{ offset: String(offset), key: Buffer.from(key), value: frame(1, payload), headers: {} },
})
const marker = (offset: number): Kept => ({
  offset: String(offset),
  key: null,
  value: null,
  headers: { [MARKER_HEADER]: Buffer.from('{}') },
})
const letter = (offset: number, raw: string, stage: 'validate' | 'insert'): Kept => ({
  ...{
    offset: String(offset),
    key: null,
    value: Buffer.from(raw),
    headers: deadLetterHeaders({ stage, reason: 'r', issues: '' }),
  },
})

/** A log of these messages; what lies below the first is gone. */
function logOf(...messages: Kept[]) {
  const asked: [number, number][] = []
  return {
    asked,
    logRanges: async () => [{ low: 0, high: Number(messages.at(-1)?.offset ?? -1) + 1 }],
    async *readPartition(_topic: string, _partition: number, from: number, to: number) {
      asked.push([from, to])
      for (const message of messages)
        if (Number(message.offset) >= from && Number(message.offset) < to) yield { ...message, timestamp: '0' }
    },
  }
}

const upTo = (end: number) => ({ checkpoint: end, end })
const isKnown = (seenRecords: SeenRecords, key: string, payload: string): boolean =>
  seenRecords.withoutUnchanged([{ key, payload, position: null }], []).unchanged === 1
const isKnownReject = (seenRecords: SeenRecords, raw: string): boolean =>
  seenRecords.withoutUnchanged([], [{ raw, reason: '', issues: '' } satisfies RejectedRecord]).unchanged === 1

describe('what a new owner recalls', () => {
  test('is nothing when the read ended before the checkpoint: an older version must not pass for the newest', async () => {
    const seenRecords = createSeenRecords(100)
    await restoreRecords(logOf(record(0, 'a', '1')), 't', 0, upTo(4), seenRecords)
    assert.equal(isKnown(seenRecords, 'a', '1'), false)
  })

  test('is not what a replay has put behind it: an older version must not pass for the newest', async () => {
    const seenRecords = createSeenRecords(100)
    const replayed = { ...record(1, 'a', '1'), headers: replayHeaders(1, 't.dead-letters/0/3') }
    await restoreRecords(logOf(record(0, 'a', '2'), replayed, marker(2)), 't', 0, upTo(3), seenRecords)
    assert.equal(isKnown(seenRecords, 'a', '2'), true)
  })

  test('is nothing when the end of the log is more than it may hold', async () => {
    const seenRecords = createSeenRecords(100)
    const big = 'x'.repeat(20 * 1024 * 1024)
    await restoreRecords(
      logOf(record(0, 'a', '1'), record(1, 'b', big), record(2, 'a', big), marker(3)),
      't',
      0,
      upTo(4),
      seenRecords,
    )
    assert.equal(isKnown(seenRecords, 'a', '1'), false)
  })

  test('is the newest version of each record up to the checkpoint, of a bounded number of offsets', async () => {
    const seenRecords = createSeenRecords(100)
    const log = logOf(
      record(50_000, 'a', '1'),
      record(50_001, 'a', '2'),
      record(50_002, 'b', '{"ü":1}'),
      marker(50_003),
      record(50_005, 'a', '3'),
    )
    await restoreRecords(log, 't', 0, upTo(50_004), seenRecords)
    assert.deepEqual(log.asked, [[40_004, 50_004]])
    assert.equal(isKnown(seenRecords, 'a', '2'), true)
    assert.equal(isKnown(seenRecords, 'b', '{"ü":1}'), true)
  })

  test('is nothing of an empty log, without an error', async () => {
    const seenRecords = createSeenRecords(100)
    await restoreRecords(logOf(), 't', 0, upTo(0), seenRecords)
    await restoreRejected(logOf(), 't', 0, seenRecords)
    assert.equal(isKnown(seenRecords, 'a', '1'), false)
  })

  test('of the dead letters is what the schema rejected, not what ClickHouse refused', async () => {
    const seenRecords = createSeenRecords(100)
    await restoreRejected(logOf(letter(0, 'bad', 'validate'), letter(1, 'refused', 'insert')), 't', 0, seenRecords)
    assert.equal(isKnownReject(seenRecords, 'bad'), true)
    assert.equal(isKnownReject(seenRecords, 'refused'), false)
  })

  test('of the dead letters may be a part', async () => {
    const seenRecords = createSeenRecords(100)
    const big = 'x'.repeat(33 * 1024 * 1024)
    await restoreRejected(
      logOf(letter(0, 'bad', 'validate'), letter(1, big, 'validate'), letter(2, 'other', 'validate')),
      't',
      0,
      seenRecords,
    )
    assert.equal(isKnownReject(seenRecords, 'bad'), true)
  })
})
