/**
 * What must be true when everything has come to rest: for each key the newest version among all that the topic holds is
 * the one that FINAL shows, every refused record is a dead letter and nothing else is, every partition is committed to
 * its end with the watermark of its last marker.
 */
import assert from 'node:assert/strict'
import { FRAME_HEAD_BYTES, MARKER_HEADER, parseDeadLetterHeaders, parseMarker } from '#shared/messages/frame.ts'
import { comparePositions, type Position, positionOf } from '#shared/watermark.ts'
import { commits, query, until } from '../../support/loading.ts'
import { assertVerified } from '../../support/verified.ts'
import { FORGED_RUN } from './faults.ts'
import { PARTITIONS, type Scene } from './scene.ts'

export type Verdict = { published: number; keys: number; rows: number; refused: number; letters: number }

type Version = { position: Position; atMs: number; offset: number; text: string }

/** After a storm, for all waits to run out and for all to be loaded. */
const REST_WITHIN_MS = 180_000

export async function judge(scene: Scene): Promise<Verdict> {
  const { place, orders } = scene
  const ends = await place.kafka.logRanges(orders.topic)
  const isCommitted = async () => {
    const now = await commits(place, orders.topic)
    return ends.every(({ high }, partition) => high === 0 || (now[partition]?.offset ?? 0) >= high)
  }
  const settled = (what: string, isSo: () => Promise<boolean>) => {
    const look = () => {
      scene.supervise()
      return isSo()
    }
    return until(what, look, REST_WITHIN_MS)
  }
  await settled('everything is committed', isCommitted)
  // What is not there is named by the assertion.
  const { isComplete, assertComplete } = scene.walk.pipeline
  await settled('the table of the pipeline shows what its API has', isComplete).catch(async (error) => {
    await assertComplete()
    throw error
  })

  const truth = await readLog(scene)
  type Row = { id: string; text: string }
  const found = await query<Row>(
    place,
    `SELECT id, concat(toString(total), ' ', note, ' ', toString(toUnixTimestamp64Milli(updated_at))) AS text FROM {db}.${orders.table} FINAL`,
  )
  const rows = new Map(found.map(({ id, text }) => [id, text]))
  const expected = new Map([...truth.newest].map(([id, { text }]) => [id, text]))
  assert.deepEqual(rows, expected, 'FINAL shows the newest version of every key')

  const letters = new Set(
    (await orders.deadLetters()).map(({ headers }) => parseDeadLetterHeaders(headers as Record<string, Buffer>).origin),
  )
  assert.deepEqual(
    [...letters].sort(),
    [...truth.refused].sort(),
    'what was refused is in the dead letters, and nothing else',
  )
  // A page behind a stranger's message has one more in front of its marker than it says, and verify tells.
  const known = scene.figures.forged === 0 ? [] : ['page_short', 'page_miscounted']
  // The operator's own comparison, which counts versions and letters in another way than this file does.
  // The ledger of letters follows some seconds behind.
  await settled('headrace verify finds no difference', () =>
    assertVerified(place, 'shop.orders', known).then(() => true),
  )
  const committed = await commits(place, orders.topic)
  assert.deepEqual(
    committed.map((commit) => commit?.watermark ?? null),
    truth.watermarks,
    'the watermark is that of the last marker',
  )
  return {
    published: truth.published,
    keys: expected.size,
    rows: rows.size,
    refused: truth.refused.size,
    letters: letters.size,
  }
}

async function readLog({ place, orders }: Scene) {
  const newest = new Map<string, Version>()
  const refused = new Set<string>()
  const watermarks: (string | null)[] = []
  let published = 0
  const ranges = await place.kafka.logRanges(orders.topic)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    watermarks[partition] = null
    for await (const message of place.kafka.readPartition(orders.topic, partition, 0, ranges[partition]?.high ?? 0)) {
      const { value, headers, offset } = message
      if (value === null) {
        const header = headers?.[MARKER_HEADER]
        const marker = parseMarker(Array.isArray(header) ? header[0] : header)
        if (marker === null) refused.add(`${orders.topic}/${partition}/${offset}`)
        // What a stranger claims of the year 3000 is not believed.
        else if (marker.run !== FORGED_RUN) watermarks[partition] = marker.watermark ?? watermarks[partition] ?? null
        continue
      }
      published += 1
      const record = JSON.parse(value.subarray(FRAME_HEAD_BYTES).toString())
      if (typeof record.total !== 'number') {
        refused.add(`${orders.topic}/${partition}/${offset}`)
        continue
      }
      const position = positionOf('iso', record.updated_at) as Position
      const text = `${record.total} ${record.note} ${Date.parse(record.updated_at)}`
      const version = { position, atMs: Number(message.timestamp), offset: Number(offset), text }
      const before = newest.get(record.id)
      if (before === undefined || isNewer(version, before)) newest.set(record.id, version)
    }
  }
  return { newest, refused, watermarks, published }
}

/** As `_version` orders: watermark field, then fetch time, then offset. */
const isNewer = (a: Version, b: Version): boolean =>
  (comparePositions(a.position, b.position) || a.atMs - b.atMs || a.offset - b.offset) > 0
