/**
 * Which member gets which partitions, decided by the group's leader; pure. Each member gets only topics that it
 * subscribed to; the package's round robin would give the leader's topics to everyone. The counts differ as little as
 * subscriptions allow, and members keep what they had as far as possible. The same input gives the same result.
 * Partitions that belong together have one owner, where a member subscribes to the topics of all of them. A member that
 * claims its topics has all of their partitions alone, so two claims never wait for each other.
 */
import type { Together } from '../port.ts'

export type AssignedPartitions = ReadonlyMap<string, readonly number[]>
export type AssignedMember = {
  id: string
  topics: readonly string[]
  had: AssignedPartitions
  /**
   * It wants all partitions of its topics. Of several claims on a topic the lowest number wins, then the first member
   * by id.
   */
  claim?: number | undefined
  /** By topic. Where members differ, the first one by id is believed. */
  together?: Readonly<Record<string, Together>> | undefined
}

type Slot = { topic: string; partition: number }
/** Partitions that have one owner. */
type Unit = { topics: readonly string[]; slots: readonly Slot[] }
type Owned = Map<string, Unit[]>

/** `partitionsOf`: how many partitions each topic has. Members without a partition are in the result as well. */
export function assign(
  members: readonly AssignedMember[],
  partitionsOf: ReadonlyMap<string, number>,
): Map<string, AssignedPartitions> {
  const byId = new Map(members.map((member) => [member.id, member]))
  const subscribed = [...byId.keys()].sort().map((id) => byId.get(id)!)
  const sorted = withoutClaimed(subscribed)
  const owned: Owned = new Map(sorted.map(({ id }) => [id, []]))
  for (const unit of unitsOf(sorted, partitionsOf)) {
    const candidates = sorted.filter((member) => mayOwn(member, unit))
    const owner = leastLoaded(holdersOfMost(candidates, unit), owned, unit)
    if (owner !== null) owned.get(owner.id)!.push(unit)
  }
  balance(sorted, owned)
  return new Map(subscribed.map(({ id, topics }) => [id, shareOf(slotsIn(owned, id), topics)]))
}

const slotsIn = (owned: Owned, id: string): Slot[] => owned.get(id)!.flatMap(({ slots }) => slots)

const mayOwn = ({ topics }: AssignedMember, unit: Unit): boolean => unit.topics.every((topic) => topics.includes(topic))

/** Those that had most of the unit before; all where none had any of it. */
function holdersOfMost(candidates: readonly AssignedMember[], { slots }: Unit): readonly AssignedMember[] {
  const held = ({ had }: AssignedMember) =>
    slots.filter(({ topic, partition }) => had.get(topic)?.includes(partition)).length
  const most = Math.max(...candidates.map(held))
  return candidates.filter((member) => held(member) === most)
}

/** The members with the topics that they may have partitions of. */
function withoutClaimed(members: readonly AssignedMember[]): AssignedMember[] {
  const holders = new Map<string, AssignedMember>()
  for (const member of members) {
    if (member.claim === undefined) continue
    for (const topic of member.topics) {
      const first = holders.get(topic)?.claim
      if (first === undefined || member.claim < first) holders.set(topic, member)
    }
  }
  return members.map((member) => ({
    ...member,
    topics: member.topics.filter((topic) => (holders.get(topic) ?? member) === member),
  }))
}

/**
 * What has one owner: the partitions that belong together, if a member may own them all, and each other one by itself.
 */
function unitsOf(members: readonly AssignedMember[], partitionsOf: ReadonlyMap<string, number>): Unit[] {
  const together = togetherOf(members)
  const units = new Map<string, Slot[]>()
  for (const slot of slotsOf(partitionsOf)) {
    const rule = together.get(slot.topic)
    const key =
      rule === undefined
        ? JSON.stringify([slot.topic, slot.partition])
        : `${(rule.first + slot.partition) % rule.count} ${rule.group}`
    units.set(key, [...(units.get(key) ?? []), slot])
  }
  return [...units.values()].flatMap((slots) => {
    const unit = unitOf(slots)
    return members.some((member) => mayOwn(member, unit)) ? [unit] : slots.map((slot) => unitOf([slot]))
  })
}

const unitOf = (slots: readonly Slot[]): Unit => ({ slots, topics: [...new Set(slots.map(({ topic }) => topic))] })

function togetherOf(members: readonly AssignedMember[]): Map<string, Together> {
  const rules = new Map<string, Together>()
  for (const { together } of members) {
    for (const [topic, rule] of Object.entries(together ?? {})) if (!rules.has(topic)) rules.set(topic, rule)
  }
  return rules
}

function slotsOf(partitionsOf: ReadonlyMap<string, number>): Slot[] {
  const topics = [...partitionsOf.keys()].sort()
  return topics.flatMap((topic) =>
    Array.from({ length: partitionsOf.get(topic)! }, (_, partition) => ({ topic, partition })),
  )
}

/** The fewest partitions, then the fewest of these topics, then the first by id. */
function leastLoaded(candidates: readonly AssignedMember[], owned: Owned, unit: Unit): AssignedMember | null {
  let best: AssignedMember | null = null
  for (const member of candidates) {
    if (best === null || loadOf(member, owned, unit) < loadOf(best, owned, unit)) best = member
  }
  return best
}

const TOPIC_WEIGHT = 1e-6

function loadOf({ id }: AssignedMember, owned: Owned, { topics }: Unit): number {
  const slots = slotsIn(owned, id)
  return slots.length + TOPIC_WEIGHT * slots.filter((slot) => topics.includes(slot.topic)).length
}

/**
 * Moves one unit at a time to a member that has fewer by more than its size. Each move lowers the sum of squares, so
 * there is an end.
 */
function balance(members: readonly AssignedMember[], owned: Owned): void {
  for (let move = findMove(members, owned); move !== null; move = findMove(members, owned)) {
    const { from, to, unit } = move
    const kept = owned.get(from)!.filter((each) => each !== unit)
    owned.set(from, kept)
    owned.get(to)!.push(unit)
  }
}

/** Of members with equally many, the first by id gives or takes. */
function findMove(members: readonly AssignedMember[], owned: Owned): { from: string; to: string; unit: Unit } | null {
  const counts = new Map(members.map(({ id }) => [id, slotsIn(owned, id).length]))
  const count = ({ id }: AssignedMember) => counts.get(id)!
  const fromLeast = members.toSorted((a, b) => count(a) - count(b))
  for (const from of members.toSorted((a, b) => count(b) - count(a))) {
    for (const to of fromLeast) {
      const gap = count(from) - count(to)
      const unit = lastOfMost(owned.get(from.id)!.filter((each) => each.slots.length < gap && mayOwn(to, each)))
      if (unit !== undefined) return { from: from.id, to: to.id, unit }
    }
  }
  return null
}

/** The last unit of the topic of which there are most, so that each topic spreads as well. */
function lastOfMost(units: readonly Unit[]): Unit | undefined {
  const lastFirst = Map.groupBy(units.toReversed(), ({ topics: [first] }) => first)
  const [most] = [...lastFirst.values()].sort((a, b) => b.length - a.length)
  return most?.[0]
}

/** Every subscribed topic is there, also without a partition. */
function shareOf(slots: readonly Slot[], topics: readonly string[]): AssignedPartitions {
  const own = (topic: string) => slots.filter((slot) => slot.topic === topic).map(({ partition }) => partition)
  return new Map([...topics].sort().map((topic) => [topic, own(topic).sort((a, b) => a - b)]))
}
