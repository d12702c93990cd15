import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unavailable } from '#shared/errors.ts'
import type { Committed } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { parseStall } from '#shared/progress/stall.ts'
import { createStallNotes } from '../../../services/loader/failures/stall-notes.ts'
import { createStalls } from '../../../services/loader/failures/stalls.ts'
import { virtualClock } from '../../support/clocks.ts'

const TOPIC = 'headrace.shop.orders'
const STREAM = 'shop.orders'
const refused = (message = 'no such column') => ({ name: 'MISSING_COLUMN', message, needsPerson: true })

/** A group that keeps what it is told, unless it is away. */
function scene(kept = new Map<number, Committed>()) {
  const clock = virtualClock()
  const metrics = createMetrics()
  const writes: Committed[] = []
  let away = false
  const kafka = {
    committed: async () => [0, 1].map((partition) => kept.get(partition) ?? null),
    async storeOffsets(_group: string, _topic: string, offsets: ReadonlyMap<number, Committed>) {
      if (away) throw new Unavailable('HR_KAFKA_UNREACHABLE', 'away')
      for (const [partition, committed] of offsets) {
        kept.set(partition, committed)
        writes.push(committed)
      }
    },
  }
  const common = { clock, log: silentLog, metrics }
  const notes = createStallNotes({ ...common, kafka, names: namesFor('headrace') })
  const stalls = notes.watching(TOPIC, createStalls(common))
  const states = new Map([`${TOPIC}/0`, `${TOPIC}/1`].map((place) => [place, {} as never]))
  notes.assigned({ topics: [TOPIC], states })
  return {
    ...{ clock, notes, stalls, kept, writes, metrics },
    stored: () => parseStall(kept.get(0)?.metadata ?? ''),
    away: (isAway: boolean) => {
      away = isAway
    },
  }
}

describe('what the loader waits for', () => {
  test('a wait that passes soon is not stored, and one that lasts is, once, with its time', async () => {
    const { clock, notes, stalls, stored, writes } = scene()
    stalls.hold(STREAM, refused())
    await clock.runTo(1_000)
    stalls.clear(STREAM)
    await clock.runTo(20_000)
    assert.deepEqual([writes, notes.stalled()], [[], []])

    const sinceMs = clock.nowMs()
    for (let ms = 20_000; ms <= 60_000; ms += 1_000) {
      stalls.hold(STREAM, refused())
      await clock.runTo(ms)
    }
    assert.deepEqual(stored(), { v: 1, sinceMs, reason: 'MISSING_COLUMN', message: 'no such column' })
    assert.equal(writes.length, 2, 'once for each partition')
    assert.deepEqual(notes.stalled(), [
      { stream: STREAM, reason: 'MISSING_COLUMN', message: 'no such column', since: new Date(sinceMs).toISOString() },
    ])
    await notes.close()
  })

  test('a wait that goes on at the next step, or after a restart, keeps its time; it is over when rows go on', async () => {
    const first = scene()
    first.stalls.hold(STREAM, refused())
    await first.clock.runTo(10_000)
    const since = first.stored()?.sinceMs
    first.stalls.clear(STREAM)
    await first.clock.runTo(11_000)
    first.stalls.hold(STREAM, { name: 'UNKNOWN_TABLE', message: 'gone', needsPerson: true })
    await first.clock.runTo(20_000)
    assert.deepEqual([first.stored()?.sinceMs, first.stored()?.reason], [since, 'UNKNOWN_TABLE'])
    await first.notes.close()

    const { clock, notes, stalls, stored, metrics, kept } = scene(first.kept)
    await clock.runTo(60_000)
    assert.equal(stored()?.sinceMs, since, 'a start alone says nothing')
    assert.equal((await metrics.stalledSince.get()).values[0]?.value, (since ?? 0) / 1000)
    notes.progress(TOPIC)
    await clock.runTo(62_000)
    stalls.hold(STREAM, refused())
    await clock.runTo(70_000)
    assert.equal(stored()?.sinceMs, since)
    stalls.clear(STREAM)
    notes.progress(TOPIC)
    await clock.runTo(80_000)
    assert.deepEqual([stored(), kept.get(1)?.metadata, notes.stalled()], [null, '', []])
    assert.equal((await metrics.stalledSince.get()).values[0]?.value, 0)
    await notes.close()
  })

  test('what Kafka does not take is stored later, and holds nothing up', async () => {
    const { clock, notes, stalls, stored, away } = scene()
    away(true)
    stalls.hold(STREAM, refused())
    await clock.runTo(8_000)
    assert.deepEqual([stored(), notes.stalled().length], [null, 1])
    away(false)
    await clock.runTo(40_000)
    assert.equal(stored()?.reason, 'MISSING_COLUMN')
    await notes.close()
  })
})
