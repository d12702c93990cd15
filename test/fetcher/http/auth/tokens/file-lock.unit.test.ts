/** A lock between processes that share a folder. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Unavailable } from '#shared/errors.ts'
import { lockFile } from '../../../../../services/fetcher/http/auth/tokens/file-lock.ts'
import { virtualClock } from '../../../../support/clocks.ts'
import { failureOf } from '../../fixture.ts'
import { folder } from '../refreshing.ts'

describe('the lock', () => {
  const pathIn = (t: TestContext) => {
    const dir = folder(t)
    mkdirSync(dir)
    return join(dir, 'lock')
  }
  const never = new AbortController().signal

  test('lets one in after the other', async (t) => {
    const clock = virtualClock()
    const path = pathIn(t)
    const order: string[] = []
    const one = await lockFile(path, clock, never)
    const two = lockFile(path, clock, never).then((release) => {
      order.push('two')
      return release
    })
    // Held for longer than a lock may stand still: the holder's beats show that it lives.
    await clock.runTo(100_000)
    order.push('one is done')
    await one()
    await clock.runTo(101_000)
    await (await two)()
    assert.deepEqual([order, existsSync(path)], [['one is done', 'two'], false])
  })

  test('of a process that died is taken over by one of those who wait, the other waits for that one', async (t) => {
    const clock = virtualClock()
    const path = pathIn(t)
    writeFileSync(path, 'a process that died')
    let held = 0
    let most = 0
    const wait = async () => {
      const release = await lockFile(path, clock, never)
      held += 1
      most = Math.max(most, held)
      await clock.sleep(40_000)
      held -= 1
      await release()
    }
    const both = Promise.all([wait(), wait()])
    await clock.runTo(29_000)
    assert.equal(most, 0, 'it may still be alive')
    await clock.runTo(115_000)
    await both
    assert.deepEqual([most, readdirSync(join(path, '..'))], [1, []])
  })

  test('that a living process never gives back is told after two minutes; a stop ends the wait at once', async (t) => {
    const clock = virtualClock()
    const path = pathIn(t)
    const release = await lockFile(path, clock, never)
    const late = failureOf(lockFile(path, clock, never))
    const stop = new AbortController()
    const stopped = failureOf(lockFile(path, clock, stop.signal))
    stop.abort(new Error('enough'))
    assert.match((await stopped).message, /enough/)
    await clock.runTo(121_000)
    assert.equal(((await late) as Unavailable).code, 'HR_TOKEN_LOCKED')
    await release()
  })
})
