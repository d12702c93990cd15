import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import type { Client } from '../../../services/fetcher/http/client.ts'
import type { Prepared } from '../../../services/fetcher/publish/prepare-stream.ts'
import { PREPARE_AGAIN_MS, prepareStreams, untilUsable } from '../../../services/fetcher/publish/prepare-streams.ts'
import { virtualClock } from '../../support/clocks.ts'
import { declareShop, streamOf } from '../declared.ts'

const shop = declareShop()
const bank = declareShop({}, { name: 'bank' })
const streams = [streamOf(shop), streamOf(bank)]
const client = () => ({ close: async () => undefined }) as unknown as Client
const prepared = (stream: Stream) => ({ stream, topic: stream.label }) as Prepared
const labelsOf = (all: readonly { stream: Stream }[]) => all.map(({ stream }) => stream.label)

describe('a stream that cannot be prepared', () => {
  test('stops no other: its schema is refused, or a secret of its source is missing', async () => {
    const bySchema = await prepareStreams(streams, {
      async prepare(stream) {
        if (stream.source === bank) throw new Stopped('HR_SCHEMA_REFUSED', 'no')
        return prepared(stream)
      },
      createClient: client,
    })
    assert.deepEqual([labelsOf(bySchema.prepared), labelsOf(bySchema.unusable)], [['shop.orders'], ['bank.orders']])
    const bySecret = await prepareStreams(streams, {
      prepare: async (stream) => prepared(stream),
      createClient(source) {
        if (source === shop) throw new WrongUse('HR_SECRET', 'SHOP_SECRET is not set')
        return client()
      },
    })
    assert.deepEqual([labelsOf(bySecret.prepared), labelsOf(bySecret.unusable)], [['bank.orders'], ['shop.orders']])
    assert.match(String(bySecret.unusable[0]?.error), /SHOP_SECRET is not set/)
    assert.deepEqual([...bySecret.clients.keys()], [bank])
  })

  test('by a defect of ours ends the start', async () => {
    await assert.rejects(
      prepareStreams(streams, {
        prepare: () => Promise.reject(new TypeError('x is not a function')),
        createClient: client,
      }),
      /x is not a function/,
    )
  })

  test('is tried again, counts as failed each time, and runs when it can be', async () => {
    const clock = virtualClock()
    const failed: string[][] = []
    let tries = 0
    const attempt = (some: readonly Stream[]) =>
      prepareStreams(some, {
        async prepare(stream) {
          if (++tries < 3) throw new Stopped('HR_SCHEMA_REFUSED', 'no')
          return prepared(stream)
        },
        createClient: client,
      })
    const ending = new AbortController()
    const usable = untilUsable([{ stream: streamOf(bank), error: null }], {
      ...{ clock, log: silentLog, signal: ending.signal, attempt },
      onFailed: (all) => failed.push(labelsOf(all)),
    })
    await clock.runTo(3 * PREPARE_AGAIN_MS)
    await usable
    assert.deepEqual([tries, failed], [3, [['bank.orders'], ['bank.orders'], []]])
  })
})
