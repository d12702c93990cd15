import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RunOutcome } from '../../../services/fetcher/schedule/run-outcome.ts'
import { dueInMs, regularWaitMs, runsOf, waitAfterMs } from '../../../services/fetcher/schedule/schedule.ts'
import { virtualClock } from '../../support/clocks.ts'

const MIDNIGHT_MS = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const every = (ms: number) => ({ every: ms, cron: undefined })
const cron = (text: string) => ({ every: undefined, cron: text })
const DONE: RunOutcome = { outcome: 'done' }
const FAILED: RunOutcome = { outcome: 'failed' }

/**
 * Runs a schedule in virtual time; each run takes the time and has the outcome that `runs` says, the last one from then
 * on.
 */
function scheduled(
  schedule: Parameters<typeof runsOf>[0],
  firstMs: number,
  runs: { takesMs: number; outcome?: RunOutcome }[],
  stopped = false,
) {
  const clock = virtualClock({ startMs: MIDNIGHT_MS })
  const stop = new AbortController()
  if (stopped) stop.abort()
  const wakes = new Set<() => void>()
  const starts: number[] = []
  let going = 0
  let goingMax = 0
  let completed = false
  const run = async (): Promise<RunOutcome> => {
    const { takesMs, outcome = DONE } = runs[Math.min(starts.length, runs.length - 1)] ?? { takesMs: 0 }
    starts.push(clock.elapsedMs())
    goingMax = Math.max(goingMax, ++going)
    await clock.sleep(takesMs)
    going -= 1
    return outcome
  }
  const onWake = (wake: () => void) => {
    wakes.add(wake)
    return () => void wakes.delete(wake)
  }
  runsOf(schedule, firstMs, run, { clock, stop: stop.signal, onWake }).then(() => {
    completed = true
  })
  return {
    starts,
    runTo: clock.runTo,
    stop: () => stop.abort(),
    wake() {
      for (const wake of wakes) wake()
    },
    wakes,
    goingMax: () => goingMax,
    isCompleted: () => completed,
  }
}

describe('the schedule', () => {
  test('never runs twice at a time, and counts the interval from the end of a run', async () => {
    const { starts, runTo, goingMax } = scheduled(every(1_000), 0, [{ takesMs: 5_000 }, { takesMs: 200 }])
    await runTo(10_000)
    assert.deepEqual(starts, [0, 6_000, 7_200, 8_400, 9_600])
    assert.equal(goingMax(), 1)
  })

  test('waits for the first run as long as it is told', async () => {
    const { starts, runTo } = scheduled(every(1_000), 700, [{ takesMs: 0 }])
    await runTo(2_700)
    assert.deepEqual(starts, [700, 1_700, 2_700])
  })

  test('waits longer after each failure in a row, and regularly again after a run that is done', async () => {
    const failing = [FAILED, FAILED, FAILED, DONE, FAILED].map((outcome) => ({ takesMs: 0, outcome }))
    const { starts, runTo } = scheduled(every(HOUR_MS), 0, [...failing, { takesMs: 0 }])
    await runTo(2 * HOUR_MS)
    // 10 s, 20 s, 40 s, each times 0.75 by the jitter of one half.
    const third = 7_500 + 15_000 + 30_000
    assert.deepEqual(starts, [0, 7_500, 22_500, third, third + HOUR_MS, third + HOUR_MS + 7_500])
  })

  test('never waits longer after a failure than the interval', async () => {
    const { starts, runTo } = scheduled(every(1_000), 0, [{ takesMs: 0, outcome: FAILED }])
    await runTo(3_000)
    assert.deepEqual(starts, [0, 1_000, 2_000, 3_000])
  })

  test('a parked partition sleeps until the time that the API named, however far that is', async () => {
    const untilMs = MIDNIGHT_MS + 40 * 24 * HOUR_MS
    const parked: RunOutcome = { outcome: 'parked', parkedUntilMs: untilMs }
    const { starts, runTo } = scheduled(every(1_000), 0, [{ takesMs: 100, outcome: parked }, { takesMs: 0 }])
    await runTo(40 * 24 * HOUR_MS - 1)
    assert.deepEqual(starts, [0])
    await runTo(40 * 24 * HOUR_MS)
    assert.deepEqual(starts, [0, 40 * 24 * HOUR_MS])
  })

  test('a stop ends the wait before the first run and between runs', async () => {
    const early = scheduled(every(1_000), 500, [{ takesMs: 0 }])
    await early.runTo(100)
    early.stop()
    await early.runTo(100)
    assert.equal(early.isCompleted(), true)
    await early.runTo(5_000)
    assert.deepEqual(early.starts, [])

    const later = scheduled(every(1_000), 0, [{ takesMs: 0 }])
    await later.runTo(1_500)
    later.stop()
    await later.runTo(1_500)
    assert.equal(later.isCompleted(), true)
    await later.runTo(5_000)
    assert.deepEqual(later.starts, [0, 1_000])
    assert.equal(later.wakes.size, 0)
  })

  test('a stop that came before the first wait leaves no run', async () => {
    const stopped = true
    const { starts, runTo, isCompleted, wakes } = scheduled(every(1_000), 700, [{ takesMs: 0 }], stopped)
    await runTo(100)
    assert.deepEqual([starts, isCompleted(), wakes.size], [[], true, 0])
  })

  test('a stop during a run completes when the run has ended, and no run follows', async () => {
    const stopped: RunOutcome = { outcome: 'stopped' }
    const { starts, runTo, stop, isCompleted } = scheduled(every(1_000), 0, [{ takesMs: 2_000, outcome: stopped }])
    await runTo(500)
    stop()
    await runTo(1_999)
    assert.equal(isCompleted(), false)
    await runTo(10_000)
    assert.equal(isCompleted(), true)
    assert.deepEqual(starts, [0])
  })

  test('a wait ends before its time when it need not be any longer: the first one, one between runs, and only the one that is on', async () => {
    const { starts, runTo, wake, isCompleted } = scheduled(every(1_000), 700, [{ takesMs: 100 }])
    await runTo(300)
    wake()
    await runTo(350)
    wake()
    await runTo(1_399)
    assert.deepEqual(starts, [300])
    await runTo(1_600)
    wake()
    await runTo(2_000)
    assert.deepEqual(starts, [300, 1_400, 1_600])
    assert.equal(isCompleted(), false)
  })

  test('a run that is parked or leaves a page out is no failure: the next failure is the first again', async () => {
    for (const outcome of [{ outcome: 'parked', parkedUntilMs: 0 }, { outcome: 'skipped' }] as const) {
      const { starts, runTo } = scheduled(
        every(60_000),
        0,
        [FAILED, FAILED, outcome, FAILED, DONE].map((each) => ({ takesMs: 0, outcome: each })),
      )
      await runTo(200_000)
      const waits = starts.slice(1, 5).map((ms, index) => ms - (starts[index] ?? 0))
      assert.deepEqual(waits, [7_500, 15_000, outcome.outcome === 'parked' ? 1_000 : 60_000, 7_500])
    }
  })

  test('a cron expression is read in UTC, and slots that a run overlaps are passed over', async () => {
    const { starts, runTo } = scheduled(cron('0 * * * *'), HOUR_MS, [{ takesMs: 2.5 * HOUR_MS }, { takesMs: 0 }])
    await runTo(6 * HOUR_MS)
    assert.deepEqual(
      starts.map((ms) => ms / HOUR_MS),
      [1, 4, 5, 6],
    )
    assert.equal(regularWaitMs(cron('30 14 * * *'), MIDNIGHT_MS), 14.5 * HOUR_MS)
  })
})

describe('the waits of a schedule', () => {
  test('are 5 minutes where nothing is declared, and never so short that the API is asked without a pause', () => {
    assert.equal(regularWaitMs({ every: undefined, cron: undefined }, 0), 5 * MINUTE_MS)
    assert.equal(regularWaitMs(every(0), 0), 100)
    assert.equal(regularWaitMs(every(100), 0), 100)
    assert.equal(regularWaitMs(every(101), 0), 101)
  })

  test('go from one slot of a cron expression to the next, never to the one that is now, and end each day where there is none', () => {
    assert.equal(regularWaitMs(cron('0 * * * *'), MIDNIGHT_MS), HOUR_MS)
    assert.equal(regularWaitMs(cron('0 * * * *'), MIDNIGHT_MS - 1), 1)
    assert.equal(regularWaitMs(cron('0 * * * *'), MIDNIGHT_MS + 0.5), HOUR_MS - 0.5)
    assert.equal(regularWaitMs(cron('0 0 30 2 *'), MIDNIGHT_MS), 24 * HOUR_MS)
  })

  test('after a restart: what is left since the last start, nothing when that is over, never more than the interval', () => {
    assert.equal(dueInMs(every(1_000), 10_000, 10_400), 600)
    assert.equal(dueInMs(every(1_000), 10_000, 10_999), 1)
    assert.equal(dueInMs(every(1_000), 10_000, 11_000), 0)
    assert.equal(dueInMs(every(1_000), 10_000, 99_000), 0)
    assert.equal(dueInMs(every(1_000), 9_999_999, 10_000), 1_000)
    assert.equal(dueInMs(cron('0 * * * *'), MIDNIGHT_MS + MINUTE_MS, MIDNIGHT_MS + 2 * MINUTE_MS), 58 * MINUTE_MS)
    assert.equal(dueInMs(cron('0 * * * *'), MIDNIGHT_MS + MINUTE_MS, MIDNIGHT_MS + 2 * HOUR_MS), 0)
  })

  test('after failures lie in the upper half of a bound that doubles up to 10 minutes', () => {
    const wait = (failures: number, jitter: number) => waitAfterMs(every(24 * HOUR_MS), FAILED, failures, 0, jitter)
    assert.deepEqual([wait(1, 0), wait(1, 1)], [5_000, 10_000])
    assert.deepEqual([wait(3, 0), wait(3, 1)], [20_000, 40_000])
    assert.deepEqual([wait(500, 0), wait(500, 1)], [300_000, 600_000])
  })

  test('of a parked partition whose time is over are short, but not none', () => {
    assert.equal(waitAfterMs(every(HOUR_MS), { outcome: 'parked', parkedUntilMs: 5 }, 0, 1_000, 0), 1_000)
    assert.equal(waitAfterMs(every(HOUR_MS), { outcome: 'parked' }, 0, 1_000, 0), 1_000)
    assert.equal(waitAfterMs(every(HOUR_MS), { outcome: 'parked', parkedUntilMs: 2_001 }, 0, 1_000, 0), 1_001)
  })

  test('are the regular ones after every run that is not failed or parked, whatever failed before', () => {
    for (const outcome of ['done', 'skipped'] as const)
      assert.equal(waitAfterMs(every(HOUR_MS), { outcome }, 3, 0, 0), HOUR_MS)
  })
})
