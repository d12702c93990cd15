/** Who is in a group and what each member has been given. */
import type { MemberDescription } from 'kafkajs'
import type { Cluster } from './cluster.ts'
import { AssignerProtocol } from './kafkajs/load.ts'
import type { MemberState } from './port.ts'

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
