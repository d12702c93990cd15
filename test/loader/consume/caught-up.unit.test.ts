import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Behind,
  PERSON_WAIT_MAX_MS,
  PROGRESS_WAIT_MAX_MS,
  stalledFor,
} from '../../../services/loader/consume/caught-up.ts'
import type { ActiveStall } from '../../../services/loader/failures/stalls.ts'

const held = (topic: string, given: Partial<ActiveStall> = {}): ActiveStall => ({
  ...{
    what: `table of ${topic}`,
    name: 'COLUMN_TYPE',
    message: 'ALTER TABLE …',
    needsPerson: true,
    topics: [topic],
    sinceMs: 0,
  },
  ...given,
})
const behind = (topic: string, movedMs = 0): Behind => ({ topic, movedMs })
const overloaded = { name: 'TOO_MANY_PARTS', message: 'too many parts', needsPerson: false }

describe('a one-shot load', () => {
  test('does not end over a refused table while another topic may be caught up', () => {
    const all = [behind('a'), behind('b')]
    assert.equal(stalledFor(all, [held('a')], PERSON_WAIT_MAX_MS), null)
    assert.equal(stalledFor(all, [held('a'), held('b', overloaded)], PROGRESS_WAIT_MAX_MS - 1), null)
  })

  test('gives what needs a person some time, and an overloaded server more', () => {
    assert.equal(stalledFor([behind('a')], [held('a', { sinceMs: 1 })], PERSON_WAIT_MAX_MS), null)
    assert.equal(stalledFor([behind('a')], [held('a', overloaded)], PROGRESS_WAIT_MAX_MS - 1), null)
    assert.equal(stalledFor([behind('a', 1)], [], PROGRESS_WAIT_MAX_MS), null)
  })

  test('ends when all that is left is refused, with the remedy of each', () => {
    assert.deepEqual(stalledFor([behind('a')], [held('b'), held('a')], PERSON_WAIT_MAX_MS), ['a: ALTER TABLE …'])
    const shared = held('a', { topics: ['a', 'b'], message: 'the ledger is gone' })
    assert.deepEqual(stalledFor([behind('a'), behind('b')], [shared], PERSON_WAIT_MAX_MS), [
      'a: the ledger is gone',
      'b: the ledger is gone',
    ])
  })

  test('ends when nothing has moved for long, whatever it waits for', () => {
    assert.deepEqual(stalledFor([behind('a')], [held('a', overloaded)], PROGRESS_WAIT_MAX_MS), ['a: too many parts'])
    assert.deepEqual(stalledFor([behind('a')], [], PROGRESS_WAIT_MAX_MS), ['a: nothing was committed for 10 minutes'])
  })
})
