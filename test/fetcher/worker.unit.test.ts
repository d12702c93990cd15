import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLog } from '#shared/log.ts'
import type { Partition } from '../../services/fetcher/partition.ts'
import { type Owned, ownedId } from '../../services/fetcher/schedule/assigned-partitions.ts'
import type { RunOutcome } from '../../services/fetcher/schedule/run-outcome.ts'
import type { Stop } from '../../services/fetcher/schedule/stop-signal.ts'
import { createWorker } from '../../services/fetcher/worker.ts'
import { virtualClock } from '../support/clocks.ts'
import { declareOrders } from './declared.ts'

const stream = declareOrders({ partitions: [{ region: 'a' }, { region: 'b' }, { region: 'c' }], every: '1h' })
const owned = (...partitions: number[]): Map<string, Owned> =>
  new Map(partitions.map((partition) => [ownedId(stream, partition), { stream, partition }]))

/** A partition whose runs the test ends; like the real one, it ends a run by itself only after the page in hand. */
type Scripted = Partition & { stops: Stop[]; end(outcome: RunOutcome['outcome']): void; closed: boolean; dueMs: number }

function scripted(dueMs: number): Scripted {
  let run = Promise.withResolvers<RunOutcome>()
  const partition: Scripted = {
    stops: [],
    closed: false,
    dueMs,
    run(stop) {
      partition.stops.push(stop)
      run = Promise.withResolvers<RunOutcome>()
      return run.promise
    },
    end: (outcome) => run.resolve({ outcome }),
    dueInMs: async () => partition.dueMs,
    async close() {
      partition.closed = true
    },
  }
  return partition
}

function workerOf(options: { once?: boolean; dueMs?: number; partitions?: number } = {}) {
  const clock = virtualClock()
  const opened: { partition: number; at: Scripted }[] = []
  const outcomes: string[] = []
  const worker = createWorker({
    open({ partition }) {
      const at = scripted(options.dueMs ?? 0)
      opened.push({ partition, at })
      return at
    },
    once: options.once ?? false,
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
    clock,
    log: silentLog,
    onOutcome: ({ partition }, { outcome }) => outcomes.push(`${partition} ${outcome}`),
  })
  const last = (partition: number): Scripted => {
    const found = opened.findLast((entry) => entry.partition === partition)
    if (found === undefined) throw new RangeError(`partition ${partition} was not opened`)
    return found.at
  }
  /** All that can run without time runs. */
  const settle = () => clock.runTo(clock.elapsedMs())
  async function isPending(promise: Promise<unknown>): Promise<boolean> {
    let pending = true
    const end = () => {
      pending = false
    }
    promise.then(end, end)
    await settle()
    return pending
  }
  return { worker, clock, opened, last, outcomes, settle, isPending }
}

for (const once of [false, true]) {
  describe(`a worker ${once ? 'that runs once' : 'on schedule'}`, () => {
    test('a pause lets the page in hand finish, and is over when the run is', async () => {
      const { worker, last, settle, isPending } = workerOf({ once })
      await worker.assign(owned(0))
      await settle()
      const pausing = worker.pause()
      assert.equal(last(0).stops[0]?.soft.aborted, true)
      assert.equal(await isPending(pausing), true)
      assert.equal(last(0).stops[0]?.hard.aborted, false)
      last(0).end('stopped')
      await pausing
    })

    test('a page that takes longer than the grace is cut', async () => {
      const { worker, last, clock, settle } = workerOf({ once })
      await worker.assign(owned(0))
      await settle()
      const pausing = worker.pause()
      await clock.runTo(5_000)
      assert.equal(last(0).stops[0]?.hard.aborted, true)
      last(0).end('stopped')
      await pausing
    })

    test('a partition that stays keeps its state, one that goes is closed after its run, one that comes is opened', async () => {
      const { worker, last, opened, settle } = workerOf({ once })
      await worker.assign(owned(0, 1))
      await settle()
      const [stays, goes] = [last(0), last(1)]
      const assigning = worker.assign(owned(0, 2))
      await settle()
      assert.equal(goes.closed, false)
      stays.end('stopped')
      goes.end('stopped')
      await assigning
      await settle()
      assert.deepEqual(
        opened.map(({ partition }) => partition),
        [0, 1, 2],
      )
      assert.deepEqual([stays.closed, goes.closed], [false, true])
      assert.equal(stays.stops.length, 2)
      assert.equal(stays.stops[1]?.soft.aborted, false)
    })

    test('a close ends the runs and closes every partition, and no assignment follows it', async () => {
      const { worker, last, opened, settle } = workerOf({ once })
      await worker.assign(owned(0))
      await settle()
      const closing = worker.close()
      const late = worker.assign(owned(0, 1))
      last(0).end('stopped')
      await closing
      await late
      await settle()
      assert.equal(last(0).closed, true)
      assert.equal(last(0).stops.length, 1)
      assert.equal(opened.length, 1)
    })

    test('what it was told to fail with ends the wait, whether it came before or after', async () => {
      for (const before of [true, false]) {
        const { worker } = workerOf({ once })
        if (before) worker.fail(new Error('crashed'))
        const finished = worker.finished(new AbortController().signal)
        if (!before) worker.fail(new Error('crashed'))
        await assert.rejects(finished, /crashed/)
      }
    })

    test('a signal ends the wait, also one that came before', async () => {
      for (const before of [true, false]) {
        const { worker } = workerOf({ once })
        const stop = new AbortController()
        if (before) stop.abort()
        const finished = worker.finished(stop.signal)
        stop.abort()
        await finished
      }
    })
  })
}

describe('a worker that runs once', () => {
  test('ends when every partition has had its run, whatever came of it', async () => {
    const { worker, last, outcomes, isPending } = workerOf({ once: true })
    const finished = worker.finished(new AbortController().signal)
    await worker.assign(owned(0, 1, 2))
    last(0).end('done')
    last(1).end('failed')
    assert.equal(await isPending(finished), true)
    last(2).end('parked')
    await finished
    assert.deepEqual(outcomes, ['0 done', '1 failed', '2 parked'])
  })

  test('ends at once when everything belongs to others', async () => {
    const { worker } = workerOf({ once: true })
    await worker.assign(owned())
    await worker.finished(new AbortController().signal)
  })

  test('does not end at a rebalance; what had its run has no second, what was stopped goes on', async () => {
    const { worker, last, settle, isPending } = workerOf({ once: true })
    const finished = worker.finished(new AbortController().signal)
    await worker.assign(owned(0, 1))
    last(0).end('done')
    await settle()
    const pausing = worker.pause()
    last(1).end('stopped')
    await pausing
    assert.equal(await isPending(finished), true)
    await worker.assign(owned(0, 1))
    await settle()
    assert.deepEqual([last(0).stops.length, last(1).stops.length], [1, 2])
    last(1).end('done')
    await finished
  })
})

describe('a worker on schedule', () => {
  test('a pause does not wait for a run that is not due yet', async () => {
    const { worker, last, settle } = workerOf({ dueMs: 3_600_000 })
    await worker.assign(owned(0, 1))
    await settle()
    await worker.pause()
    assert.equal(last(0).stops.length, 0)
  })

  test('a pause that comes while the due time is being read is over when that is read', async () => {
    const { worker, last } = workerOf({ dueMs: 3_600_000 })
    await worker.assign(owned(0))
    await worker.pause()
    assert.equal(last(0).stops.length, 0)
  })

  test('a defect of one partition does not end the others', async () => {
    const { worker, last, settle } = workerOf()
    await worker.assign(owned(0, 1))
    const broken = last(0)
    broken.run = () => Promise.reject(new Error('defect'))
    await settle()
    assert.equal(last(1).stops.length, 1)
    last(1).end('done')
    await worker.close()
  })
})

describe('a worker that must see all partitions once', () => {
  test('waits for those that another has, and runs none of its own again', async () => {
    const { worker, last, outcomes, settle, isPending } = workerOf({ once: true, partitions: 2 })
    const finished = worker.finished(new AbortController().signal)
    await worker.assign(owned())
    assert.equal(await isPending(finished), true)
    await worker.assign(owned(0))
    await settle()
    last(0).end('done')
    assert.equal(await isPending(finished), true)
    await worker.assign(owned(0, 1))
    await settle()
    last(1).end('failed')
    await finished
    assert.deepEqual(outcomes, ['0 done', '1 failed'])
    await worker.close()
  })
})
