/**
 * The loader's group in the model: members come, are given partitions, are told of a rebalance or are not, and read
 * what is theirs as the driver likes. A member that was expelled goes on with what it had until it is told; its commits
 * are refused.
 */

import { Unavailable } from '#shared/errors.ts'
import { type Kafka, type Reader, type ReaderOptions, StaleGeneration } from '#shared/kafka/kafka.ts'
import type { PartitionCommit } from '../../../services/loader/commit/commit-batch.ts'
import { between } from '../../support/random.ts'
import { applyCommit } from './committing.ts'
import { applied, senderOf } from './servers.ts'
import { asked, type Life, PARTITIONS, placeOf, places, TOPICS, type World } from './world.ts'

type Share = { position: number; paused: boolean; busy: boolean }
type Member = { life: Life; options: ReaderOptions; generation: number; shares: Map<string, Share>; finished: boolean }

export type Group = {
  /** The port, as one process sees it. */
  kafka(life: Life): Kafka
  begin(): void
  /** Gives the partitions out; false while members still finish and the driver is patient. */
  complete(patient: boolean): boolean
  /** Gives the partitions of one member to the others without telling it. */
  expel(): void
  /** One fetch of one partition by one member; false when there is nothing to fetch. */
  fetch(): boolean
  remove(life: Life): void
  isDone(): boolean
}

const FETCH_MESSAGES_MAX = 9

export function createGroup(world: World): Group {
  const { random } = world
  let members: Member[] = []
  let expelled: Member[] = []
  let generation = 0
  let rebalancing = false

  function join(life: Life, options: ReaderOptions): Reader {
    const member: Member = { life, options, generation: -1, shares: new Map(), finished: true }
    members.push(member)
    begin()
    return {
      commit: (commits, of) => asked(life, 'commit', () => commit(member, commits, of)),
      pause: () => undefined,
      resume(topic, partitions) {
        for (const partition of partitions) {
          const share = member.shares.get(placeOf(topic, partition))
          if (share !== undefined) share.paused = false
        }
      },
      close: () => asked(life, 'leave', () => remove(life)),
    }
  }

  function commit(member: Member, commits: readonly PartitionCommit[], of: number): void {
    if (!members.includes(member) || of !== generation || member.generation !== of)
      throw new StaleGeneration('HR_KAFKA_STALE', 'gone')
    applied(world, () => {
      try {
        applyCommit(world, commits)
      } catch (error) {
        world.failures.push(error)
      }
    })
  }

  function begin(): void {
    rebalancing = true
    for (const member of [...members, ...expelled]) {
      if (member.generation < 0 || !member.finished) continue
      member.finished = false
      void Promise.resolve(member.options.onRebalancing(member.generation)).then(() => {
        member.finished = true
      })
    }
  }

  function complete(patient: boolean): boolean {
    if (!rebalancing || (patient && [...members, ...expelled].some((member) => !member.finished))) return false
    rebalancing = false
    generation += 1
    members.push(...expelled)
    expelled = []
    const given = new Map<Member, string[]>(members.map((member) => [member, []]))
    for (const place of members.length === 0 ? [] : places()) {
      const member = members[between(random, 0, members.length - 1)] as Member
      given.get(member)?.push(place)
    }
    for (const [member, own] of given) assign(member, own)
    return true
  }

  function assign(member: Member, own: readonly string[]): void {
    member.finished = true
    member.generation = generation
    member.shares = new Map()
    const of = generation
    const partitions = new Map(
      TOPICS.map((topic) => [
        topic,
        Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => own.includes(placeOf(topic, p))),
      ]),
    )
    const committed = new Map(world.committed)
    const offer = {
      generation,
      partitions,
      committed: (topic: string, p: number) => committed.get(placeOf(topic, p)) ?? null,
    }
    void Promise.resolve(member.options.onAssigned(offer)).then(() => {
      if (member.generation !== of) return
      member.shares = new Map(
        own.map((place) => [
          place,
          { position: committed.get(place)?.offset ?? lowOf(place), paused: false, busy: false },
        ]),
      )
    })
  }

  function expel(): void {
    const [member] = members.length < 2 ? [] : members.splice(between(random, 0, members.length - 1), 1)
    if (member === undefined) return
    generation += 1
    expelled.push(member)
    // The others are given everything at once, while the expelled one still works on what it had.
    for (const other of members) assign(other, other === members[0] ? places() : [])
  }

  function fetch(): boolean {
    const able = [...members, ...expelled].flatMap((member) =>
      [...member.shares]
        .filter(([place, share]) => !share.paused && !share.busy && share.position < (world.ends.get(place) as number))
        .map(([place, share]) => ({ member, place, share })),
    )
    const chosen = able[between(random, 0, able.length - 1)]
    if (chosen === undefined) return false
    if (chosen.share.position < lowOf(chosen.place)) outOfRange(chosen.member, chosen.place, chosen.share)
    else void insertBatch(chosen.member, chosen.place, chosen.share)
    return true
  }

  const lowOf = (place: string): number => world.lows.get(place) as number

  /** Said in its own time: the member may have another assignment by then. */
  function outOfRange({ life, options, generation }: Member, place: string, share: Share): void {
    const [topic = '', partition] = place.split('/')
    share.busy = true
    const [low, high] = [lowOf(place), world.ends.get(place) as number]
    const gap = { topic, partition: Number(partition), generation, position: share.position, low, high }
    void asked(life, 'gap', () => options.onGap(gap)).then(() => {
      share.position = low
      share.busy = false
    })
  }

  async function insertBatch(member: Member, place: string, share: Share): Promise<void> {
    const [topic = '', partition] = place.split('/')
    const end = world.ends.get(place) as number
    const left = (world.logs.get(place) ?? []).filter(({ message }) => Number(message.offset) >= share.position)
    const messages = left.slice(0, between(random, 1, FETCH_MESSAGES_MAX)).map(({ message }) => message)
    const next = left[messages.length]
    const nextOffset = next === undefined ? end : Number(next.message.offset)
    share.busy = true
    const batch = {
      topic,
      partition: Number(partition),
      generation: member.generation,
      messages,
      nextOffset,
      highOffset: end,
    }
    const answer = await member.options.onBatch(batch)
    share.busy = false
    if (answer === 'taken') share.position = nextOffset
    else share.paused = true
  }

  function remove(life: Life): void {
    members = members.filter((member) => member.life !== life)
    expelled = expelled.filter((member) => member.life !== life)
    begin()
  }

  const isDone = () =>
    places().every((place) => (world.committed.get(place)?.offset ?? lowOf(place)) === world.ends.get(place))

  function kafka(life: Life): Kafka {
    const port: Partial<Kafka> = {
      reader: (options) => asked(life, 'join', () => join(life, options)),
      sender: () => senderOf(life),
      partitions: async () => PARTITIONS,
      logRanges: async (topic) =>
        Array.from({ length: PARTITIONS }, (_, partition) => {
          const place = placeOf(topic, partition)
          return { low: lowOf(place), high: world.ends.get(place) as number }
        }),
      committed: async () => [],
    }
    // Whatever else the loader asks for is no part of the model, and says so.
    return new Proxy(port, {
      get: (target, name) =>
        Reflect.get(target, name) ??
        (() => Promise.reject(new Unavailable('HR_MODEL', `no ${String(name)} in the model`))),
    }) as Kafka
  }

  return { kafka, begin, complete, expel, fetch, remove, isDone }
}
