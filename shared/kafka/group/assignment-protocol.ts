/**
 * The assigner in the form that the client package expects. With its subscription each member sends the partitions that
 * it has, so the leader can leave them there. It also sends whether it claims all of its topics, and the group's hooks.
 */
import type { Assigner, Cluster, GroupMember, PartitionAssigner } from 'kafkajs'
import { z } from 'zod'
import type { Log } from '../../log.ts'
import type { GroupHooks } from '../kafkajs-patches/consumer-group.ts'
import { AssignerProtocol } from '../kafkajs-patches/load.ts'
import type { MemberState, OwnerOptions } from '../port.ts'
import { type AssignedMember, type AssignedPartitions, assign } from './assigner.ts'

const { MemberMetadata, MemberAssignment } = AssignerProtocol

/** All members of a group must offer a common name: a change of the rule needs a new one. */
const NAME = 'headrace-sticky-claims'
const VERSION = 0

const said = z.object({
  had: z.record(z.string(), z.array(z.int().min(0))),
  claim: z.number().optional(),
  work: z.record(z.string(), z.string()).optional(),
  together: z
    .record(z.string(), z.object({ group: z.string(), first: z.int().min(0), count: z.int().min(1) }))
    .optional(),
})

/** What a member sends about itself at each join. */
export type Saying = Pick<AssignedMember, 'had' | 'claim' | 'together'> & Pick<OwnerOptions, 'work'>

export function createAssigner(hooks: GroupHooks, saying: () => Saying, log: Log): PartitionAssigner {
  return ({ cluster }): Assigner & { hooks: GroupHooks } => ({
    hooks,
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: encodeSaying(saying()) }),
    }),
    async assign({ members }) {
      const known = members.map(toMember)
      const partitionsOf = await countPartitions(cluster, known, log)
      return [...assign(known, partitionsOf)].map(([memberId, share]) => ({
        memberId,
        memberAssignment: encode(share),
      }))
    },
  })
}

function toMember({ memberId, memberMetadata }: GroupMember): AssignedMember {
  const metadata = MemberMetadata.decode(memberMetadata)
  return { id: memberId, topics: metadata?.topics ?? [], ...decodeSaying(metadata?.userData) }
}

/** Reads what a member sent at its last join; nothing for one that uses another format. */
export function claimOf(memberMetadata: Buffer): Pick<MemberState, 'claim' | 'work'> {
  try {
    const { claim, work } = decodeSaying(MemberMetadata.decode(memberMetadata)?.userData)
    return { ...(claim === undefined ? {} : { claim }), ...(work === undefined ? {} : { work }) }
  } catch {
    return {}
  }
}

function encodeSaying({ had, claim, work, together }: Saying): Buffer {
  const partitions = Object.fromEntries([...had].filter(([, each]) => each.length > 0))
  return Buffer.from(JSON.stringify({ had: partitions, claim, work, together }))
}

function decodeSaying(userData: Buffer | null | undefined): Saying {
  try {
    const { had, ...rest } = said.parse(JSON.parse(String(userData)))
    return { had: new Map(Object.entries(had)), ...rest }
  } catch {
    return { had: new Map() }
  }
}

/**
 * The leader may have to look up topics that only others subscribe to. A missing one must not keep the whole group from
 * working.
 */
async function countPartitions(
  cluster: Cluster,
  members: readonly AssignedMember[],
  log: Log,
): Promise<Map<string, number>> {
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

/** Topics without partitions are omitted: the package would take them for assigned. */
function encode(share: AssignedPartitions): Buffer {
  const assignment: Record<string, number[]> = {}
  for (const [topic, partitions] of share) if (partitions.length > 0) assignment[topic] = [...partitions]
  return MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) })
}
