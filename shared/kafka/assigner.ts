/**
 * Who gets which partitions, decided by the group's leader; pure. Each member gets only what it subscribed to (the package's round robin deals
 * the leader's topics to everyone), the counts differ as little as subscriptions allow, members keep what they had as far as that
 * goes, and the same input gives the same result. A member that claims its topics has them alone: all of them, so that two claims never wait
 * for each other.
 */

export type Share = ReadonlyMap<string, readonly number[]>
export type Member = {
  id: string
  topics: readonly string[]
  had: Share
  /** It wants all partitions of its topics; of several claims on a topic the least number has it, then the first member by id. */
  claim?: number | undefined
}

type Slot = { topic: string; partition: number }
type Owned = Map<string, Slot[]>

/** `partitionsOf`: how many partitions each topic has. Members without a partition are in the result as well. */
export function assign(members: readonly Member[], partitionsOf: ReadonlyMap<string, number>): Map<string, Share> {
  const subscribed = [...members].sort((a, b) => compare(a.id, b.id))
  const sorted = withoutClaimed(subscribed)
  const owned: Owned = new Map(sorted.map(({ id }) => [id, []]))
  for (const slot of slotsOf(partitionsOf)) {
    const candidates = sorted.filter(({ topics }) => topics.includes(slot.topic))
    const claimants = candidates.filter(({ had }) => had.get(slot.topic)?.includes(slot.partition))
    const owner = leastLoaded(claimants.length > 0 ? claimants : candidates, owned, slot.topic)
    if (owner !== null) owned.get(owner.id)!.push(slot)
  }
  balance(sorted, owned)
  return new Map(subscribed.map(({ id, topics }) => [id, shareOf(owned.get(id)!, topics)]))
}

/** The members with the topics that they may have partitions of. */
function withoutClaimed(members: readonly Member[]): Member[] {
  const holders = new Map<string, Member>()
  for (const member of members) {
    if (member.claim === undefined) continue
    for (const topic of member.topics) {
      const first = holders.get(topic)?.claim
      if (first === undefined || member.claim < first) holders.set(topic, member)
    }
  }
  return members.map((member) => ({ ...member, topics: member.topics.filter((topic) => (holders.get(topic) ?? member) === member) }))
}

function slotsOf(partitionsOf: ReadonlyMap<string, number>): Slot[] {
  const topics = [...partitionsOf.keys()].sort(compare)
  return topics.flatMap((topic) => Array.from({ length: partitionsOf.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })))
}

/** The fewest partitions, then the fewest of this topic, then the first by id. */
function leastLoaded(candidates: readonly Member[], owned: Owned, topic: string): Member | null {
  let best: Member | null = null
  for (const member of candidates) {
    if (best === null || loadOf(member, owned, topic) < loadOf(best, owned, topic)) best = member
  }
  return best
}

const TOPIC_WEIGHT = 1e-6

function loadOf({ id }: Member, owned: Owned, topic: string): number {
  const slots = owned.get(id)!
  return slots.length + TOPIC_WEIGHT * slots.filter((slot) => slot.topic === topic).length
}

/** Moves one partition at a time from a member to one that has at least two fewer; each move lowers the sum of squares, so it ends. */
function balance(members: readonly Member[], owned: Owned): void {
  const total = [...owned.values()].reduce((sum, slots) => sum + slots.length, 0)
  const movesMax = total * members.length
  for (let moves = 0; moves < movesMax; moves++) {
    const move = findMove(members, owned)
    if (move === null) return
    owned.set(
      move.from,
      owned.get(move.from)!.filter((slot) => slot !== move.slot),
    )
    owned.get(move.to)!.push(move.slot)
  }
}

function findMove(members: readonly Member[], owned: Owned): { from: string; to: string; slot: Slot } | null {
  const count = ({ id }: Member) => owned.get(id)!.length
  const fromMost = [...members].sort((a, b) => count(b) - count(a) || compare(a.id, b.id))
  const fromLeast = [...members].sort((a, b) => count(a) - count(b) || compare(a.id, b.id))
  for (const from of fromMost) {
    for (const to of fromLeast) {
      if (count(from) - count(to) < 2) break
      const slot = mostOfOneTopic(owned.get(from.id)!.filter(({ topic }) => to.topics.includes(topic)))
      if (slot !== null) return { from: from.id, to: to.id, slot }
    }
  }
  return null
}

/** The last partition of the topic of which there are most, so that each topic spreads as well. */
function mostOfOneTopic(slots: readonly Slot[]): Slot | null {
  const counts = new Map<string, number>()
  for (const { topic } of slots) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  let best: Slot | null = null
  for (const slot of slots) if (best === null || counts.get(slot.topic)! >= counts.get(best.topic)!) best = slot
  return best
}

/** Every subscribed topic is there, also without a partition. */
function shareOf(slots: readonly Slot[], topics: readonly string[]): Share {
  const own = (topic: string) => slots.filter((slot) => slot.topic === topic).map(({ partition }) => partition)
  return new Map([...topics].sort(compare).map((topic) => [topic, own(topic).sort((a, b) => a - b)]))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
