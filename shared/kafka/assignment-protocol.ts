/**
 * The assigner as the client package wants it. Each member says with its subscription what it has, so that the leader can leave it there; the
 * group's hooks travel with it.
 */
import type { Assigner, Cluster, GroupMember, PartitionAssigner } from 'kafkajs'
import { z } from 'zod'
import type { Log } from '../log.ts'
import { assign, type Member, type Share } from './assigner.ts'
import type { GroupHooks } from './kafkajs/group.ts'
import { AssignerProtocol } from './kafkajs/load.ts'

const { MemberMetadata, MemberAssignment } = AssignerProtocol

/** All members of a group must offer a common name: a change of the rule needs a new one. */
const NAME = 'headrace-sticky'
const VERSION = 0

const memory = z.record(z.string(), z.array(z.int().min(0)))

/** `had` is asked at each join. */
export function createAssigner(hooks: GroupHooks, had: () => Share, log: Log): PartitionAssigner {
  return ({ cluster }): Assigner & { hooks: GroupHooks } => ({
    hooks,
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({ name: NAME, metadata: MemberMetadata.encode({ version: VERSION, topics, userData: remember(had()) }) }),
    async assign({ members }) {
      const known = members.map(toMember)
      const partitionsOf = await countPartitions(cluster, known, log)
      return [...assign(known, partitionsOf)].map(([memberId, share]) => ({ memberId, memberAssignment: encode(share) }))
    },
  })
}

function toMember({ memberId, memberMetadata }: GroupMember): Member {
  const metadata = MemberMetadata.decode(memberMetadata)
  return { id: memberId, topics: metadata?.topics ?? [], had: recall(metadata?.userData) }
}

function remember(share: Share): Buffer {
  return Buffer.from(JSON.stringify(Object.fromEntries([...share].filter(([, partitions]) => partitions.length > 0))))
}

function recall(userData: Buffer | null | undefined): Share {
  try {
    return new Map(Object.entries(memory.parse(JSON.parse(String(userData)))))
  } catch {
    return new Map()
  }
}

/** The leader may have to look at topics that only others subscribe to. One that is gone must not keep the whole group from working. */
async function countPartitions(cluster: Cluster, members: readonly Member[], log: Log): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const topic of new Set(members.flatMap(({ topics }) => topics))) {
    try {
      await cluster.addMultipleTargetTopics([topic])
      counts.set(topic, cluster.findTopicPartitionMetadata(topic).length)
    } catch (error) {
      log.warn({ err: error, topic }, 'a topic of the group cannot be assigned')
    }
  }
  return counts
}

/** Topics without a partition are left out: the package takes them for assigned. */
function encode(share: Share): Buffer {
  const assignment: Record<string, number[]> = {}
  for (const [topic, partitions] of share) if (partitions.length > 0) assignment[topic] = [...partitions]
  return MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) })
}
