/** Who is in a group and what each member has been given. */
import type { MemberDescription } from 'kafkajs'
import { Stopped } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { AssignerProtocol } from './kafkajs/load.ts'
import type { Kafka, MemberState } from './port.ts'

export function membersOf(cluster: Cluster, group: string): Promise<MemberState[]> {
  return cluster.ask(`looking at group ${group}`, async () => {
    const { groups } = await cluster.admin.describeGroups([group])
    return (groups[0]?.members ?? []).map(toState).sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  })
}

function toState({ memberId, clientId, clientHost, memberAssignment }: MemberDescription): MemberState {
  const assignment = memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment)
  const partitions = Object.entries(assignment?.assignment ?? {}).map(([topic, own]) => ({
    topic,
    partitions: [...own].sort((a, b) => a - b),
  }))
  return { memberId, clientId, host: clientHost, partitions }
}

/** Throws Stopped (HR_KAFKA_GROUP_ACTIVE) that names the members. The broker refuses as well: one may join after this look. */
export async function refuseIfActive(kafka: Pick<Kafka, 'members'>, group: string): Promise<void> {
  const members = await kafka.members(group)
  if (members.length === 0) return
  const words = members.map(({ clientId, memberId, host, partitions }) => {
    const count = partitions.reduce((total, each) => total + each.partitions.length, 0)
    return `${clientId} at ${host.replace(/^\//, '')} (${memberId}, ${count} partitions)`
  })
  throw new Stopped('HR_KAFKA_GROUP_ACTIVE', `group ${group} has members, so its offsets stay as they are: ${words.join('; ')}`, {
    hint: 'stop these processes (headrace load) first; one that died without leaving is a member until its session ends (KAFKA_SESSION_TIMEOUT_MS)',
  })
}
