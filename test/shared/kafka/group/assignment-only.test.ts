import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pino from 'pino'
import { systemClock } from '#shared/clock.ts'
import type { Assignment, Owner } from '#shared/kafka/kafka.ts'
import { type Bench, bench, numbered, until } from '../helpers.ts'

const SESSION_TIMEOUT_MS = 6_000

type Seen = { owner: Owner; assignments: Assignment[]; rebalances: number; crashes: Error[] }

async function own({ kafka, group, topic }: Bench, topics = [topic]): Promise<Seen> {
  const seen: Omit<Seen, 'owner'> = { assignments: [], rebalances: 0, crashes: [] }
  const owner = await kafka.owner({
    group,
    topics,
    heartbeatMs: 200,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    onAssigned: (assignment) => void seen.assignments.push(assignment),
    onRebalancing() {
      seen.rebalances++
    },
    onCrash: (error) => void seen.crashes.push(error),
  })
  return Object.assign(seen, { owner })
}

const share = (seen: Seen) => Object.fromEntries(seen.assignments.at(-1) ?? [])
const shareOf = (seen: Seen, topic: string) => seen.assignments.at(-1)?.get(topic) ?? []

describe('an owner', () => {
  test('of a topic that does not exist is told so', async (t) => {
    const b = await bench(t)
    await assert.rejects(own(b, ['no-such-topic']), {
      code: 'HR_KAFKA_REQUEST',
      message: /no-such-topic|does not host this topic/,
    })
  })

  test('stays a member beyond its session and asks for no record', async (t) => {
    const requests: string[] = []
    const log = pino(
      { level: 'trace' },
      { write: (line: string) => void requests.push(...(/Request (\w+)\(/.exec(line)?.slice(1) ?? [])) },
    )
    const b = await bench(t, 2, log)
    await b.kafka.sender().send({ topic: b.topic, partition: 0, messages: numbered(10) })
    const seen = await own(b)
    await until('it is assigned', () => seen.assignments.length > 0)
    const [before] = await b.kafka.members(b.group)
    await systemClock.sleep(SESSION_TIMEOUT_MS + 2_000)
    const [after] = await b.kafka.members(b.group)
    assert.equal(after!.memberId, before!.memberId)
    assert.deepEqual(after!.partitions, [{ topic: b.topic, partitions: [0, 1] }])
    assert.equal(seen.assignments.length, 1)
    assert.ok(requests.includes('Heartbeat'))
    assert.ok(!requests.includes('Fetch'))
    assert.deepEqual(await b.kafka.committed(b.group, b.topic), [null, null])
    await seen.owner.close()
    assert.deepEqual(await b.kafka.members(b.group), [])
  })

  test('gives up only what it must when another comes, and gets it back when that one leaves', async (t) => {
    const b = await bench(t, 4)
    const first = await own(b)
    await until('the first has everything', () => shareOf(first, b.topic).length === 4)
    const second = await own(b)
    await until('they share', () => shareOf(first, b.topic).length === 2 && shareOf(second, b.topic).length === 2)
    assert.equal(first.rebalances, 1)
    assert.deepEqual([...shareOf(first, b.topic), ...shareOf(second, b.topic)].sort(), [0, 1, 2, 3])
    await second.owner.close()
    await until('the first has everything again', () => shareOf(first, b.topic).length === 4)
    await first.owner.close()
  })

  test('keeps its partitions through a rebalance that changes nothing for it', async (t) => {
    const b = await bench(t, 4)
    const first = await own(b)
    await until('the first has everything', () => shareOf(first, b.topic).length === 4)
    const second = await own(b)
    await until('they share', () => shareOf(first, b.topic).length === 2 && shareOf(second, b.topic).length === 2)
    const kept = shareOf(first, b.topic)
    const given = shareOf(second, b.topic)
    const third = await own(b)
    await until(
      'the third has its share',
      () => third.assignments.length === 1 && first.assignments.length === 3 && second.assignments.length === 2,
    )
    assert.ok(shareOf(first, b.topic).every((partition) => kept.includes(partition)))
    assert.ok(shareOf(second, b.topic).every((partition) => given.includes(partition)))
    for (const { owner } of [first, second, third]) await owner.close()
  })

  test('gets only partitions of topics that it asked for', async (t) => {
    const b = await bench(t, 2)
    const other = `${b.topic}-other`
    await b.kafka.ensureTopic({ topic: other, partitions: 3 })
    const both = await own(b, [b.topic, other])
    const single = await own(b, [b.topic])
    await until('both are assigned', () => shareOf(both, other).length === 3 && shareOf(single, b.topic).length === 2)
    assert.deepEqual(share(single), { [b.topic]: [0, 1] })
    assert.deepEqual(share(both), { [b.topic]: [], [other]: [0, 1, 2] })
    await single.owner.close()
    await both.owner.close()
  })

  test('that is closed while it joins leaves nothing behind', async (t) => {
    const b = await bench(t)
    for (let afterMs = 0; afterMs < 40; afterMs += 4) {
      const { owner, crashes } = await own(b)
      await systemClock.sleep(afterMs)
      await owner.close()
      assert.deepEqual(crashes, [])
      assert.deepEqual(await b.kafka.members(b.group), [])
    }
  })
})
