/** A group member whose coordinator or leader moves, with the package's own group member and brokers of a few lines. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import '#shared/kafka/kafkajs-patches/load.ts'

type Group = {
  memberId: string | null
  generationId: number | null
  coordinator: object | null
  sessionTimeout: number
  finding?: Promise<void>
  heartbeat(options: { interval: number }): Promise<void>
  joinAndSync(): Promise<void>
  leave(): Promise<void>
  recoverFromFetch(error: unknown): Promise<void>
}

const error = (type: string) => Object.assign(new Error(type), { type })
const lost = () => Object.assign(new Error('Connection error'), { name: 'KafkaJSConnectionError' })
const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }

/** A member of generation 1, or one that never joined. The group's current coordinator is `next`. */
function member({ next, hooks = {} }: { next?: object; hooks?: object }, isJoined = true) {
  const steps: string[] = []
  const cluster = {
    async findGroupCoordinator() {
      steps.push('find')
      return next
    },
    refreshMetadata: async () => void steps.push('metadata'),
    removeBroker: () => void steps.push('remove'),
  }
  const Class = internal<new (options: object) => Group>('consumer/consumerGroup.js')
  const assigners = [{ hooks: { beforeJoin: async () => undefined, joined: () => undefined, ...hooks } }]
  const group = new Class({
    logger: silent,
    cluster,
    groupId: 'group',
    topics: [],
    assigners,
    instrumentationEmitter: { emit: () => undefined },
    sessionTimeout: 30_000,
  })
  if (isJoined) Object.assign(group, { memberId: 'member-1', generationId: 1 })
  return { group, steps, assigners }
}

const refusing = (failure: () => Error, request = 'heartbeat') => ({
  [request]: async () => {
    throw failure()
  },
})

describe('a group member', () => {
  test('passes on what a heartbeat says about the member', async () => {
    const { group } = member({})
    group.coordinator = refusing(() => error('REBALANCE_IN_PROGRESS'))
    await assert.rejects(group.heartbeat({ interval: 0 }), /REBALANCE/)
  })

  for (const [name, failure] of [
    ['has moved', () => error('NOT_COORDINATOR_FOR_GROUP')],
    ['is starting', () => error('GROUP_LOAD_IN_PROGRESS')],
    ['is dead', lost],
  ] as const) {
    test(`whose coordinator ${name} finds it again and stays the member that it was`, async () => {
      let beats = 0
      const next = { heartbeat: async () => void beats++ }
      const { group, steps } = member({ next })
      group.coordinator = refusing(failure)
      await group.heartbeat({ interval: 0 })
      await group.heartbeat({ interval: 0 })
      assert.deepEqual(steps, ['find'])
      await group.finding
      await group.heartbeat({ interval: 0 })
      assert.equal(beats, 1)
      assert.equal(group.memberId, 'member-1')
    })
  }

  test('tells when it has found no coordinator for as long as its session', async () => {
    const { group } = member({ next: refusing(lost) })
    group.sessionTimeout = 5
    group.coordinator = refusing(lost)
    await group.heartbeat({ interval: 0 }).catch(() => undefined)
    Object.assign(group, { heardMs: systemClock.elapsedMs() - 10 })
    await assert.rejects(group.heartbeat({ interval: 0 }), /Connection error/)
  })

  test('that the package makes again joins under the id that it had', async () => {
    const joined: (string | null)[] = []
    const hooks = { memberId: null }
    const joining = (isNew: boolean) => {
      const { group, assigners } = member({}, false)
      assigners[0]!.hooks = Object.assign(assigners[0]!.hooks, isNew ? {} : hooks)
      return group
    }
    const retrier = function (this: Group) {
      joined.push(this.memberId)
      this.memberId = 'member-1'
      this.generationId = 1
    }
    const first = joining(true)
    Object.assign(first, { retrier: async () => retrier.call(first), assigned: () => [] })
    await first.joinAndSync()
    const own = (first as unknown as { assigners: { hooks: object }[] }).assigners
    const again = joining(true)
    Object.assign(again, { assigners: own, retrier: async () => retrier.call(again), assigned: () => [] })
    await again.joinAndSync()
    assert.deepEqual(joined, [null, 'member-1'])
  })

  test('leaves at the coordinator that the group has now', async () => {
    let left = 0
    const { group, steps } = member({ next: { leaveGroup: async () => void left++ } })
    group.coordinator = refusing(() => error('NOT_COORDINATOR_FOR_GROUP'), 'leaveGroup')
    await group.leave()
    assert.deepEqual([steps, left, group.memberId], [['find'], 1, null])
  })

  for (const [name, failure, expected] of [
    ['has moved', () => error('NOT_LEADER_FOR_PARTITION'), ['metadata']],
    ['cannot be reached', lost, ['metadata']],
    ['has closed its connection', () => Object.assign(lost(), { host: 'h', port: 1 }), ['remove', 'metadata']],
  ] as const) {
    test(`reads on from the next leader when one ${name}, and joins no group for that`, async () => {
      const { group, steps } = member({})
      group.joinAndSync = async () => assert.fail('it joined')
      await group.recoverFromFetch(failure())
      assert.deepEqual(steps, expected)
    })
  }
})
