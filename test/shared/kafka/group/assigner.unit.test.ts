import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type AssignedMember, type AssignedPartitions, assign } from '#shared/kafka/group/assigner.ts'
import { testSeed } from '../../../support/seed.ts'

fc.configureGlobal({ seed: testSeed() })

const none: AssignedPartitions = new Map()
const member = (id: string, topics: string[], had: AssignedPartitions = none): AssignedMember => ({ id, topics, had })
const plain = (shares: Map<string, AssignedPartitions>) =>
  Object.fromEntries([...shares].map(([id, share]) => [id, Object.fromEntries(share)]))
const sizeOf = (share: AssignedPartitions) =>
  [...share.values()].reduce((sum, partitions) => sum + partitions.length, 0)

const topics = ['a', 'b', 'c']
const groups = fc.record({
  members: fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      topics: fc.subarray(topics, { minLength: 1 }),
      had: fc
        .dictionary(fc.constantFrom(...topics), fc.uniqueArray(fc.nat({ max: 8 })))
        .map((had): AssignedPartitions => new Map(Object.entries(had))),
    }),
    { minLength: 1, maxLength: 6, selector: ({ id }) => id },
  ),
  counts: fc
    .record({ a: fc.nat({ max: 8 }), b: fc.nat({ max: 8 }), c: fc.nat({ max: 8 }) })
    .map((counts) => new Map(Object.entries(counts))),
})

describe('partitions are assigned', () => {
  test('to nobody when nobody subscribed, and the others are not disturbed', () => {
    const shares = assign(
      [member('m', ['a'])],
      new Map([
        ['a', 2],
        ['b', 2],
      ]),
    )
    assert.deepEqual(plain(shares), { m: { a: [0, 1] } })
  })

  test('to subscribers only, although another has fewer', () => {
    const shares = assign(
      [member('m1', ['a']), member('m2', ['a', 'b'])],
      new Map([
        ['a', 1],
        ['b', 4],
      ]),
    )
    assert.deepEqual(plain(shares), { m1: { a: [0] }, m2: { a: [], b: [0, 1, 2, 3] } })
  })

  test('evenly over all topics, not for each topic from the first member on', () => {
    const counts = new Map([
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ])
    const shares = assign([member('m1', [...counts.keys()]), member('m2', [...counts.keys()])], counts)
    assert.deepEqual([...shares.values()].map(sizeOf), [2, 2])
  })

  test('so that a member keeps what it had, up to its share', () => {
    const had = new Map([['a', [0, 2, 3]]])
    const shares = assign([member('m1', ['a']), member('m2', ['a'], had)], new Map([['a', 4]]))
    assert.deepEqual(plain(shares), { m1: { a: [1, 3] }, m2: { a: [0, 2] } })
  })

  test('all of a topic to the member that claims it, and those of other topics evenly to the others', () => {
    const counts = new Map([
      ['a', 3],
      ['b', 2],
    ])
    const had = new Map([['a', [0, 1, 2]]])
    const service = [member('m1', ['a', 'b'], had), member('m2', ['a', 'b'])]
    const shares = assign([...service, { ...member('z', ['a']), claim: 7 }], counts)
    assert.deepEqual(plain(shares), { m1: { a: [], b: [0] }, m2: { a: [], b: [1] }, z: { a: [0, 1, 2] } })
  })

  test('of two claims all to the least number, whatever the other had: none waits for the other', () => {
    const counts = new Map([
      ['a', 2],
      ['b', 2],
    ])
    const had = new Map([['b', [0, 1]]])
    const late = { ...member('m1', ['a', 'b'], had), claim: 9 }
    const early = { ...member('m2', ['a', 'b']), claim: 8 }
    const other = { ...member('m0', ['b']), claim: 10 }
    assert.deepEqual(plain(assign([late, early, other], counts)), {
      m0: { b: [] },
      m1: { a: [], b: [] },
      m2: { a: [0, 1], b: [0, 1] },
    })
    assert.deepEqual(plain(assign([late, other], counts)), { m0: { b: [] }, m1: { a: [0, 1], b: [0, 1] } })
    const twins = [{ ...late, claim: 8 }, early]
    assert.deepEqual(plain(assign(twins, counts)), { m1: { a: [0, 1], b: [0, 1] }, m2: { a: [], b: [] } })
  })

  test('that belong together one by one, where no member asks for the topics of all of them', () => {
    const counts = new Map([
      ['a', 2],
      ['b', 2],
    ])
    const together = { a: { group: 's', first: 0, count: 1 }, b: { group: 's', first: 2, count: 1 } }
    const shares = assign([{ ...member('m1', ['a']), together }, member('m2', ['b']), member('m3', ['b'])], counts)
    assert.deepEqual(plain(shares), { m1: { a: [0, 1] }, m2: { b: [0] }, m3: { b: [1] } })
  })

  test('that belong together to the one member that asks for the topics of all of them, and by the rule of the first member', () => {
    const counts = new Map([
      ['a', 2],
      ['b', 2],
    ])
    const rule = (count: number) => ({ a: { group: 's', first: 0, count }, b: { group: 's', first: 2, count } })
    const both = { ...member('m1', ['a', 'b']), together: rule(1) }
    assert.deepEqual(plain(assign([both, member('m2', ['a'])], counts)), {
      m1: { a: [0, 1], b: [0, 1] },
      m2: { a: [] },
    })
    const later = { ...member('m2', ['a', 'b']), together: rule(2) }
    const whole = { m1: { a: [0, 1], b: [0, 1] }, m2: { a: [], b: [] } }
    assert.deepEqual(plain(assign([both, later], counts)), whole)
    assert.deepEqual(plain(assign([later, both], counts)), whole)
    const split = { m1: { a: [0], b: [0] }, m2: { a: [1], b: [1] } }
    assert.deepEqual(
      plain(
        assign(
          [
            { ...both, together: rule(2) },
            { ...later, together: rule(1) },
          ],
          counts,
        ),
      ),
      split,
    )
  })

  test('to a new member from the one that has most, which leaves the others as they are', () => {
    const had = (from: number, to: number): AssignedPartitions =>
      new Map([['a', Array.from({ length: to - from }, (_, index) => from + index)]])
    const members = [member('m1', ['a'], had(0, 2)), member('m2', ['a'], had(2, 6)), member('m3', ['a'])]
    assert.deepEqual(plain(assign(members, new Map([['a', 6]]))), {
      m1: { a: [0, 1] },
      m2: { a: [2, 3] },
      m3: { a: [4, 5] },
    })
  })

  test('to the one that has least, so that whoever has its share already gets and loses nothing', () => {
    const counts = new Map([
      ['a', 4],
      ['b', 2],
    ])
    const all = ['a', 'b']
    const members = [
      member('m1', all, new Map([['a', [0, 1, 2, 3]]])),
      member('m2', all, new Map([['b', [0, 1]]])),
      member('m3', all),
    ]
    assert.deepEqual(plain(assign(members, counts)), {
      m1: { a: [0, 1], b: [] },
      m2: { a: [], b: [0, 1] },
      m3: { a: [2, 3], b: [] },
    })
  })

  test('to a new member from the topic of which another has most, so that no member has a topic alone', () => {
    const old = (counts: Map<string, number>) =>
      new Map([...counts].map(([topic, length]) => [topic, Array.from({ length }, (_, index) => index)]))
    const given = (a: number, b: number) => {
      const counts = new Map([
        ['a', a],
        ['b', b],
      ])
      return plain(assign([member('m1', ['a', 'b'], old(counts)), member('m2', ['a', 'b'])], counts)).m2
    }
    assert.deepEqual(given(3, 1), { a: [1, 2], b: [] })
    assert.deepEqual(given(1, 3), { a: [], b: [1, 2] })
    assert.deepEqual(given(2, 2), { a: [1], b: [1] })
  })

  test('so that those that belong together have one owner, over all topics, and a claim on one of these topics is kept', () => {
    const counts = new Map([
      ['a', 3],
      ['b', 2],
      ['other', 3],
    ])
    // Numbered over both: a is 0 to 2, b is 3 and 4; 0, 2 and 4 belong together, and so do 1 and 3.
    const together = { a: { group: 's', first: 0, count: 2 }, b: { group: 's', first: 3, count: 2 } }
    const all = [...counts.keys()]
    const shares = assign([{ ...member('m1', all), together }, member('m2', all)], counts)
    assert.deepEqual(plain(shares), { m1: { a: [0, 2], b: [1], other: [1] }, m2: { a: [1], b: [0], other: [0, 2] } })
    const claimed = assign(
      [{ ...member('m1', all), together }, member('m2', all), { ...member('z', ['b']), claim: 1 }],
      counts,
    )
    assert.deepEqual(plain(claimed).z, { b: [0, 1] })
  })

  test('that belong together to one owner in every group, and what is alone still evenly', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 5 }), ({ members, counts }, count) => {
        const together = Object.fromEntries(
          [...counts.keys()].map((topic, index) => [topic, { group: 's', first: index * 8, count }]),
        )
        const everywhere = members.map((one) => ({ ...one, topics: [...counts.keys()], together }))
        const shares = assign(everywhere, counts)
        const owners = new Map<number, Set<string>>()
        let owned = 0
        for (const [id, share] of shares) {
          for (const [topic, partitions] of share) {
            for (const partition of partitions) {
              const lane = ((together[topic]?.first ?? 0) + partition) % count
              owners.set(lane, (owners.get(lane) ?? new Set()).add(id))
              owned += 1
            }
          }
        }
        assert.equal(
          owned,
          [...counts.values()].reduce((sum, each) => sum + each, 0),
        )
        for (const own of owners.values()) assert.equal(own.size, 1)
        const kept = everywhere.map((one) => ({ ...one, had: shares.get(one.id)! }))
        assert.deepEqual(plain(assign(kept, counts)), plain(shares))
      }),
    )
  })

  test('once each, evenly among equals, the same for any order of members, and again the same when nothing changes', () => {
    fc.assert(
      fc.property(groups, ({ members, counts }) => {
        const shares = assign(members, counts)
        for (const [topic, count] of counts) {
          const owned = [...shares.values()].flatMap((share) => share.get(topic) ?? []).sort((a, b) => a - b)
          const wanted = members.some((one) => one.topics.includes(topic)) ? count : 0
          assert.deepEqual(
            owned,
            Array.from({ length: wanted }, (_, partition) => partition),
          )
        }
        for (const one of members) assert.deepEqual([...shares.get(one.id)!.keys()], [...one.topics].sort())
        for (const one of members) {
          for (const other of members) {
            const movable = other.topics.some(
              (topic) => one.topics.includes(topic) && shares.get(one.id)!.get(topic)!.length > 0,
            )
            if (movable) assert.ok(sizeOf(shares.get(one.id)!) - sizeOf(shares.get(other.id)!) <= 1)
          }
        }
        assert.deepEqual(plain(assign([...members].reverse(), counts)), plain(shares))
        const kept = members.map((one) => ({ ...one, had: shares.get(one.id)! }))
        assert.deepEqual(plain(assign(kept, counts)), plain(shares))
      }),
    )
  })
})
