/** Who may go of those that wait, over limits whose numbers are given. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queuePass } from '../../../../services/fetcher/http/rate-limit/fair-queue.ts'
import type { Limit } from '../../../../services/fetcher/http/rate-limit/local-quota.ts'

type Given = { waitMs?: number; etaMs?: number; regainMs?: number }

/** A room that always says the same, and what happened in it. */
function roomOf(
  { waitMs = 0, etaMs = Number.isFinite(waitMs) ? waitMs : 0, regainMs = 0 }: Given,
  log: string[] = [],
): Limit {
  return {
    reservation: (nowMs, units) => ({
      waitMs,
      etaMs,
      regainMs(more) {
        log.push(`regain ${more}`)
        return regainMs
      },
      use() {
        log.push(`use ${units} at ${nowMs}`)
        return () => void log.push(`give back ${units}`)
      },
    }),
  }
}

const NO_PART: Limit = { reservation: () => null }
const FULL: Given = { waitMs: 40 }
const waits = (waitMs: number, againMs = waitMs) => ({ kind: 'waits', waitMs, againMs })
const BEHIND = waits(Number.POSITIVE_INFINITY)

/** What each in the line is told; it asks for units of a room or of several. */
function told(limits: readonly Limit[], line: readonly (readonly { room: number; units: number }[])[]): unknown[] {
  const look = queuePass(limits, 7)
  return line.map((charges) => {
    const verdict = look({ charges })
    return verdict.kind === 'goes' ? 'goes' : verdict
  })
}

const [A, B, BOTH] = [[{ room: 0, units: 1 }], [{ room: 1, units: 1 }], [0, 1].map((room) => ({ room, units: 1 }))]

for (const [name, limits, line, expected] of [
  ['one that nothing counts goes', [], [[]], ['goes']],
  ['one goes where there is room in all that it needs', [roomOf({}), roomOf({})], [BOTH], ['goes']],
  ['all go in their order where there is room for each', [roomOf({}), roomOf({})], [A, B, A], ['goes', 'goes', 'goes']],
  [
    'one waits as long as the last room takes, and its place is looked at when the first is there',
    [roomOf({ waitMs: 30 }), roomOf({ waitMs: 20 })],
    [BOTH],
    [waits(30, 20)],
  ],
  ['one waits also if only the last room is not there', [roomOf({}), roomOf({ waitMs: 20 })], [BOTH], [waits(20)]],
  ['one is alone without a part of one room', [roomOf(FULL), NO_PART], [BOTH], [{ kind: 'alone' }]],
  ['one is alone where there is no such room', [roomOf({})], [B], [{ kind: 'alone' }]],
  ['the second waits behind one that lacks the same', [roomOf(FULL)], [A, A], [waits(40), BEHIND]],
  ['a part of a millisecond is a wait', [roomOf({ waitMs: 0.5 })], [A, A], [waits(0.5), BEHIND]],
  [
    'the second goes where it needs nothing that the first lacks',
    [roomOf(FULL), roomOf({})],
    [A, B],
    [waits(40), 'goes'],
  ],
  [
    'one that needs two limits waits behind one that lacks one of them',
    [roomOf({}), roomOf(FULL)],
    [B, BOTH],
    [waits(40), BEHIND],
  ],
  [
    'the second takes of a room of the first what is there again in time',
    [roomOf({ waitMs: 40 }), roomOf({ regainMs: 40 })],
    [BOTH, B],
    [waits(40), 'goes'],
  ],
  [
    'the second leaves to the first what would not be there in time',
    [roomOf({ waitMs: 40 }), roomOf({ regainMs: 41 })],
    [BOTH, B],
    [waits(40), BEHIND],
  ],
  [
    'the first can go when the last of its limits is there, by the estimate',
    [roomOf({ waitMs: Number.POSITIVE_INFINITY, etaMs: 50 }), roomOf({ waitMs: 0, regainMs: 50 })],
    [BOTH, B],
    [BEHIND, 'goes'],
  ],
  [
    'a place may come back at once, so nothing is taken meanwhile that takes any time',
    [roomOf({ waitMs: Number.POSITIVE_INFINITY }), roomOf({ regainMs: 1 })],
    [BOTH, B],
    [BEHIND, BEHIND],
  ],
  [
    'one that waits for another room does not hold up its own room for the third',
    [roomOf(FULL), roomOf({ waitMs: 90 }), roomOf({})],
    [A, B, [{ room: 2, units: 1 }]],
    [waits(40), waits(90), 'goes'],
  ],
] as const) {
  test(name, () => assert.deepEqual(told(limits, line), expected))
}

test('what the first keeps is kept for its own units and time, also when others claim the same after it', () => {
  const log: string[] = []
  const limits = [roomOf({ waitMs: 10 }), roomOf({ waitMs: 90 }), roomOf({ regainMs: 20 }, log)]
  const claims = (room: number, units: number) => [
    { room, units: 1 },
    { room: 2, units },
  ]
  assert.deepEqual(told(limits, [claims(0, 5), claims(1, 7), [{ room: 2, units: 1 }]]).at(-1), BEHIND)
  assert.deepEqual(log, ['regain 5'])
})

test('one that goes uses each room with its units, and gives all of them back', () => {
  const log: string[] = []
  const verdict = queuePass(
    [roomOf({}, log), roomOf({}, log)],
    7,
  )({
    charges: [
      { room: 1, units: 3 },
      { room: 0, units: 2 },
    ],
  })
  assert.ok(verdict.kind === 'goes')
  assert.deepEqual(log, ['use 3 at 7', 'use 2 at 7'])
  verdict.release()
  assert.deepEqual(log.slice(2), ['give back 3', 'give back 2'])
})
