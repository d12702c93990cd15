import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import { createSummary } from '../../services/fetcher/summary.ts'
import { declareOrders } from './declared.ts'

const stream = declareOrders({ partitions: [{ region: 'a' }, { region: 'b' }] })
const marker = (facts: Partial<PageMarker>): PageMarker => ({
  ...{ v: 1, run: 'r', page: 1, at: 0, records: 0, deadLetters: 0, unchanged: 0, drift: 0 },
  ...{ requests: 1, retries: 0, bytes: 0, durationMs: 0, watermark: null, last: false, ...facts },
})
const facts = { requests: 3, retries: 1, tokenRefreshes: 1 }

describe('the summary of a fetch', () => {
  test('shows why a partition failed, with the hint, until its next run has begun', () => {
    const summary = createSummary(() => [])
    const error = new Stopped('HR_X', 'the API has changed', { hint: 'look' })
    summary.outcomeOf({ stream, partition: 0 }, { outcome: 'failed', error })
    assert.deepEqual(summary.now().partitions['shop.orders/0'], {
      ...{ outcome: 'failed', watermark: null, pages: 0, records: 0, error: 'the API has changed\n  hint: look' },
    })
    summary.pageOf(stream, 0, () => {})(marker({}))
    assert.equal(summary.now().partitions['shop.orders/0']?.outcome, 'running')
    summary.outcomeOf({ stream, partition: 0 }, { outcome: 'done' })
    assert.deepEqual(summary.now().partitions['shop.orders/0'], {
      outcome: 'done',
      watermark: null,
      pages: 1,
      records: 0,
    })
  })

  test('adds pages up over partitions and clients, and keeps the last watermark that was safe', () => {
    const summary = createSummary(() => [facts, facts])
    let changes = 0
    const changed = () => {
      changes += 1
    }
    summary.pageOf(
      stream,
      0,
      changed,
    )(marker({ records: 2, deadLetters: 1, unchanged: 4, drift: 1, leftOut: 2, watermark: 'w1' }))
    summary.pageOf(stream, 0, changed)(marker({ records: 1 }))
    summary.pageOf(stream, 1, changed)(marker({ records: 5 }))
    assert.deepEqual(summary.now(), {
      ...{
        pages: 3,
        records: 8,
        deadLetters: 1,
        unchanged: 4,
        leftOut: 2,
        drift: 1,
        requests: 6,
        retries: 2,
        tokenRefreshes: 2,
      },
      partitions: {
        'shop.orders/0': { outcome: 'running', watermark: 'w1', pages: 2, records: 3 },
        'shop.orders/1': { outcome: 'running', watermark: null, pages: 1, records: 5 },
      },
    })
    assert.equal(changes, 3)
  })

  test('is a copy: what was shown does not change', () => {
    const summary = createSummary(() => [])
    summary.pageOf(stream, 0, () => {})(marker({}))
    const before = summary.now()
    summary.pageOf(stream, 0, () => {})(marker({}))
    assert.equal(before.partitions['shop.orders/0']?.pages, 1)
  })
})
