/** Which groups exist, their members, and what each member was assigned and claims. */

import type { MemberDescription } from 'kafkajs'
import { HEADRACE } from '../../config/called-as.ts'
import { Stopped } from '../../errors.ts'
import type { Cluster } from '../admin/cluster.ts'
import { AssignerProtocol } from '../kafkajs-patches/load.ts'
import type { Kafka, MemberState } from '../port.ts'
import { claimOf } from './assignment-protocol.ts'

export function membersOf(cluster: Cluster, group: string): Promise<MemberState[]> {
  return cluster.ask(`looking at group ${group}`, async () => {
    const { groups } = await cluster.admin.describeGroups([group])
    return (groups[0]?.members ?? []).map(toState).sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  })
}

/** Each broker names the groups that it coordinates, those without members too as long as they have offsets. */
export function groupsOf(cluster: Cluster, opening: string): Promise<string[]> {
  return cluster.ask('listing groups', async () => {
    const answers = await Promise.all((await cluster.brokers()).map((broker) => broker.listGroups()))
    const ids = answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
    return [...new Set(ids)].filter((id) => id.startsWith(opening)).sort()
  })
}

function toState({ memberId, clientId, clientHost, memberAssignment, memberMetadata }: MemberDescription): MemberState {
  const assignment = memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment)
  const partitions = Object.entries(assignment?.assignment ?? {}).map(([topic, own]) => ({
    topic,
    partitions: [...own].sort((a, b) => a - b),
  }))
  return { memberId, clientId, host: clientHost, partitions, ...claimOf(memberMetadata) }
}

/**
 * Throws Stopped (HR_KAFKA_GROUP_ACTIVE) that names the members. The broker refuses as well: one may join after this
 * check.
 */
export async function refuseIfActive(kafka: Pick<Kafka, 'members'>, group: string): Promise<void> {
  const members = await kafka.members(group)
  if (members.length === 0) return
  const words = members.map(({ clientId, memberId, host, partitions }) => {
    const count = partitions.reduce((total, each) => total + each.partitions.length, 0)
    return `${clientId} at ${host.replace(/^\//, '')} (${memberId}, ${count} partitions)`
  })
  throw new Stopped(
    'HR_KAFKA_GROUP_ACTIVE',
    `group ${group} has members, so its offsets stay as they are: ${words.join('; ')}`,
    {
      hint: `stop these processes (${HEADRACE} load) first; a crashed one stays a member for KAFKA_SESSION_TIMEOUT_MS`,
    },
  )
}
