import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import type { Stream } from '#shared/declaration/compile.ts'
import { Unavailable } from '#shared/errors.ts'
import { type Committed, FencedError } from '#shared/kafka/kafka.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { parseAttempt, releaseText } from '#shared/progress/last-attempt.ts'
import { PageRefused, Parked } from '../../../services/fetcher/http/errors.ts'
import { ownedIn } from '../../../services/fetcher/schedule/assigned-partitions.ts'
import { createAttempts, RELEASE_POLL_MS } from '../../../services/fetcher/schedule/attempts.ts'
import { virtualClock } from '../../support/clocks.ts'
import { declareOrders } from '../declared.ts'

const MONTH_MS = 31 * 86_400_000
const names = namesFor('headrace')
const refused = new PageRefused(401, 'no', 'GET /orders was refused with 401: no')

type Groups = Map<string, Map<number, Committed>>

/** One fetcher, on what groups keep between its processes. `partitions` of the topic. */
function scene(
  stream: Stream,
  options: { groups?: Groups; partitions?: number; startMs?: number; once?: boolean } = {},
) {
  const { groups = new Map(), partitions = stream.partitions.length } = options
  const clock = virtualClock(options.startMs === undefined ? {} : { startMs: options.startMs })
  const lines: string[] = []
  const pauses: string[] = []
  let away = false
  const writes: string[] = []
  const kept = (group: string) => {
    const own = groups.get(group) ?? new Map<number, Committed>()
    groups.set(group, own)
    return own
  }
  const kafka = {
    committed: async (group: string) => {
      if (away) throw new Unavailable('HR_KAFKA_UNREACHABLE', 'away')
      return Array.from({ length: partitions }, (_, partition) => kept(group).get(partition) ?? null)
    },
    async storeOffsets(group: string, topic: string, offsets: ReadonlyMap<number, Committed>) {
      if (away) throw new Unavailable('HR_KAFKA_UNREACHABLE', 'away')
      for (const [partition, committed] of offsets) {
        kept(group).set(partition, committed)
        writes.push(`${topic}/${partition}`)
      }
    },
  }
  const metrics = createMetrics()
  const attempts = createAttempts({
    ...{ streams: [stream], kafka, names, clock, metrics, repeats: options.once !== true },
    log: pino({}, { write: (line: string) => void lines.push(line) }),
    clientOf: () => ({
      redact: (text) => text.replaceAll('s3cret', '***'),
      pauseUntil: (untilMs) => pauses.push(`until ${untilMs}`),
      endPauses: () => pauses.push('ended'),
    }),
  })
  const own = { stream, partition: 0 }
  const stored = (partition = 0) => parseAttempt(kept(names.attemptsGroup).get(partition)?.metadata ?? '')
  const setAway = (isAway: boolean) => {
    away = isAway
  }
  return { clock, attempts, own, of: attempts.of(own), stored, kept, groups, writes, lines, pauses, metrics, setAway }
}

const stream = declareOrders({ every: '1m' })
const assign = (attempts: ReturnType<typeof scene>['attempts'], of: Stream = stream) => attempts.assigned(ownedIn([of]))

describe('attempts', () => {
  test('are stored without secrets, with when the service tries again, and are read again by the next process', async () => {
    const { attempts, of, stored, clock, groups } = scene(stream)
    await assign(attempts)
    of.ended({ outcome: 'done' }, true)
    of.ended({ outcome: 'failed', error: new PageRefused(401, '', 'refused key s3cret') }, true)
    await attempts.close()
    const first = stored()
    assert.deepEqual([first?.code, first?.message, first?.failures], ['HR_PAGE_REFUSED', 'refused key ***', 1])
    assert.ok((first?.nextMs ?? 0) > clock.nowMs() && (first?.nextMs ?? 0) <= clock.nowMs() + 60_000)

    const next = scene(stream, { groups, startMs: clock.nowMs() + 5_000 })
    await assign(next.attempts)
    const failingSince = new Date(first?.failingSinceMs ?? 0).toISOString()
    assert.deepEqual(
      next.attempts.failing().map((each) => [each.partition, each.failingSince]),
      [['shop.orders/0', failingSince]],
    )
    assert.equal((await next.metrics.failingSince.get()).values[0]?.value, (first?.failingSinceMs ?? 0) / 1000)
    next.of.ended({ outcome: 'failed', error: refused }, true)
    await next.attempts.close()
    assert.deepEqual([next.stored()?.failures, next.stored()?.failingSinceMs], [2, first?.failingSinceMs])
  })

  test('of a stop, of a zombie and of a backfill say nothing of the schedule; a pause that a backfill met does', async () => {
    const { attempts, of, stored } = scene(stream)
    await assign(attempts)
    of.ended({ outcome: 'stopped' }, true)
    of.ended({ outcome: 'failed', error: new FencedError('HR_KAFKA_FENCED', 'taken over') }, true)
    of.ended({ outcome: 'failed', error: refused }, false)
    await attempts.close()
    assert.equal(stored(), null)
    const other = scene(stream)
    await assign(other.attempts)
    const untilMs = other.clock.nowMs() + MONTH_MS
    other.of.ended({ outcome: 'parked', parkedUntilMs: untilMs, error: new Parked(untilMs, 'wait') }, false)
    assert.equal(other.of.parked()?.parkedUntilMs, untilMs)
    await other.attempts.close()
    assert.equal(other.stored()?.parkedUntilMs, untilMs)
  })

  test('that Kafka does not take hold nothing up, are said once, and are stored when it takes them again', async () => {
    const { attempts, of, stored, clock, lines, setAway } = scene(stream)
    setAway(true)
    await assign(attempts)
    for (let time = 0; time < 5; time++) {
      of.ended({ outcome: 'failed', error: refused }, true)
      await clock.runTo((time + 1) * 20_000)
    }
    assert.deepEqual([stored(), attempts.failing()[0]?.failures], [null, 5])
    assert.equal(lines.filter((line) => line.includes('cannot store')).length, 1)
    setAway(false)
    await clock.runTo(200_000)
    assert.equal(stored()?.failures, 5)
    await attempts.close()
  })

  test('that are done again and again are not all written; a change is written at once', async () => {
    const { attempts, of, clock, writes, stored } = scene(stream)
    await assign(attempts)
    for (let ms = 100; ms <= 10_000; ms += 100) {
      of.ended({ outcome: 'done' }, true)
      await clock.runTo(ms)
    }
    assert.ok(writes.length >= 2 && writes.length <= 3, String(writes.length))
    of.ended({ outcome: 'failed', error: refused }, true)
    await clock.runTo(10_100)
    assert.equal(stored()?.outcome, 'failed')
    await attempts.close()
  })

  test('of partitions that the stream no longer has are taken away, and none is stored for a topic that is not there', async () => {
    const four = declareOrders({ every: '1m', partitions: ['a', 'b', 'c', 'd'].map((region) => ({ region })) })
    const before = scene(four)
    await assign(before.attempts, four)
    before.attempts.of({ stream: four, partition: 3 }).ended({ outcome: 'failed', error: refused }, true)
    await before.attempts.close()
    const after = scene(stream, { groups: before.groups, partitions: 4 })
    await assign(after.attempts)
    await after.attempts.close()
    assert.deepEqual([after.stored(3), after.kept(names.attemptsGroup).get(3)?.metadata], [null, ''])

    const missing = scene(stream, { partitions: 0 })
    await assign(missing.attempts)
    missing.attempts.failedBefore(missing.own, refused)
    await missing.attempts.close()
    assert.deepEqual([missing.writes, missing.attempts.failing().length], [[], 1])
  })

  test('that were parked keep the whole source from being asked after a restart, until a person releases them', async () => {
    const first = scene(stream)
    await assign(first.attempts)
    const untilMs = first.clock.nowMs() + MONTH_MS
    first.of.ended({ outcome: 'parked', parkedUntilMs: untilMs, error: new Parked(untilMs, 'wait', true) }, true)
    await first.attempts.close()

    const { attempts, of, own, clock, kept, pauses } = scene(stream, {
      groups: first.groups,
      startMs: first.clock.nowMs() + 60_000,
    })
    await assign(attempts)
    assert.deepEqual(
      [of.parked()?.outcome, of.parked()?.parkedUntilMs, pauses],
      ['parked', untilMs, [`until ${untilMs}`]],
    )
    let woken = 0
    attempts.onReleased(own, () => {
      woken += 1
    })
    const removed = attempts.onReleased(own, () => assert.fail('it was removed'))
    removed()
    await clock.runTo(60_000)
    assert.equal(woken, 0)
    kept(names.releasesGroup).set(0, {
      offset: 0,
      metadata: releaseText({ v: 1, attemptMs: first.stored()?.atMs ?? 0, atMs: clock.nowMs() }),
    })
    await clock.runTo(60_000 + RELEASE_POLL_MS)
    assert.deepEqual([woken, of.parked(), pauses.at(-1)], [1, null, 'ended'])

    // The API says it again: that is a new pause.
    of.ended({ outcome: 'parked', parkedUntilMs: untilMs, error: new Parked(untilMs, 'wait', true) }, true)
    await clock.runTo(120_000)
    assert.deepEqual([woken, of.parked()?.parkedUntilMs], [1, untilMs])
    // While nothing is asked for weeks, Kafka must not forget it.
    kept(names.attemptsGroup).clear()
    await clock.runTo(120_000 + 86_400_000 + RELEASE_POLL_MS)
    assert.equal(parseAttempt(kept(names.attemptsGroup).get(0)?.metadata ?? '')?.parkedUntilMs, untilMs)
    await attempts.close()
  })
})
