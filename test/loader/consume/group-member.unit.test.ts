import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#shared/clock.ts'
import type { Kafka, OffsetGap, Reader, ReaderOptions } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import { commitText } from '#shared/progress/offset-metadata.ts'
import { createMembership } from '../../../services/loader/consume/group-member.ts'

const TOPIC = 'own.shop.orders'
const PLACE = `${TOPIC}/0`
const COMMITTED = 20

test('a gap that an assignment before has met says nothing of the present one, which began behind it', async () => {
  let options: ReaderOptions | undefined
  const reader: Reader = {
    commit: async () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    close: async () => undefined,
  }
  const kafka: Pick<Kafka, 'reader'> = {
    reader: async (given) => {
      options = given
      return reader
    },
  }
  const metrics = createMetrics()
  const clock: Clock = { nowMs: () => 0, elapsedMs: () => 0, random: () => 0, sleep: async () => undefined }
  const membership = createMembership({
    ...{ kafka: kafka as Kafka, options: {}, names: namesFor('own'), clock, log: silentLog, metrics },
    inFlightLimit: { hasRoom: () => true, enter: () => true, leave: () => undefined, empty: async () => undefined },
    intake: () => ({
      take: async () => 'taken',
      prepare: () => undefined,
      reset: () => undefined,
      wake: () => undefined,
    }),
    ...{ push: () => undefined, flush: () => undefined, onAssigned: () => undefined },
    onCrash: assert.ifError,
  })
  await membership.join([TOPIC], new AbortController().signal)
  const metadata = commitText({ v: 1, offset: COMMITTED, watermark: 'w', open: 0 })
  await options?.onAssigned({
    generation: 2,
    partitions: new Map([[TOPIC, [0]]]),
    committed: () => ({ offset: COMMITTED, metadata }),
  })
  const state = () => membership.assigned()?.states.get(PLACE)
  const before = state()
  const gap: OffsetGap = { topic: TOPIC, partition: 0, generation: 1, position: 5, low: 10, high: 30 }
  await options?.onGap(gap)
  assert.deepEqual(state(), before)
  assert.equal((await metrics.gaps.get()).values.length, 0)

  await options?.onGap({ ...gap, generation: 2, position: COMMITTED, low: 25 })
  assert.deepEqual(state()?.lost, { from: COMMITTED, below: 25 })
  assert.equal((await metrics.gaps.get()).values.length, 1)
})
