/**
 * Membership without consuming: everything stays paused. Heartbeats continue, because the wait between two rounds is
 * short.
 */
import type { Deps } from '../client/client.ts'
import type { Owner, OwnerOptions } from '../port.ts'
import { HEARTBEAT_MS, joinGroup } from './member.ts'

/** The package sends heartbeats between its waits only. */
const WAIT_MAX_MS = 1_000

export async function joinAsOwner(options: OwnerOptions, deps: Deps): Promise<Owner> {
  const maxWaitTimeInMs = Math.min(WAIT_MAX_MS, options.heartbeatMs ?? HEARTBEAT_MS)
  const member = await joinGroup(
    options,
    { maxWaitTimeInMs },
    {
      assigned: (consumer, partitions) => consumer.pause([...partitions.keys()].map((topic) => ({ topic }))),
      open: async ({ partitions }) => options.onAssigned(partitions),
      revoke: async () => options.onRebalancing(),
      onCrash: options.onCrash,
    },
    deps,
  )
  return { close: member.close }
}
