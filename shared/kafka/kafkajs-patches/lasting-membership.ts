/**
 * Membership that outlasts the group's coordinator and the partitions' leaders. The members of a group are in Kafka's
 * log, so its next coordinator knows them. Without this patch, the package has these faults.
 * - It joins again when the coordinator has moved, so that the whole group rebalances.
 * - It repeats heartbeats to a dead coordinator until it gives up. It then joins as a new member, and the group waits
 *   for the old one until that one's session ends.
 * - It joins again when the leader of a partition has moved, and gives up when a leader is dead.
 * - It leaves at a broker that is no longer the coordinator, so that the group waits for it as well.
 */
import { systemClock } from '../../clock.ts'
import type { GroupHooks } from './consumer-group.ts'
import { typeOf } from './error-type.ts'
import { internal } from './internals.ts'
import { isBrokerAway, isLeaderAway } from './moved.ts'

type Group = {
  assigners: { hooks?: GroupHooks }[]
  groupId: string
  memberId: string | null
  generationId: number | null
  sessionTimeout: number
  coordinator: object | null
  cluster: {
    findGroupCoordinator(of: { groupId: string }): Promise<object>
    refreshMetadata(): Promise<void>
    removeBroker(address: { host: string; port: number }): void
  }
  /** Ours: when the group last heard of this member. */
  heardMs?: number
  /** Ours: the search for the coordinator. */
  finding?: Promise<void> | undefined
  heartbeat(options: { interval: number }): Promise<void>
  joinAndSync(): Promise<void>
  leave(): Promise<void>
  recoverFromFetch(error: unknown): Promise<void>
}

/** Between two searches, and between two fetches from a leader that is away. */
const LOOK_AGAIN_MS = 200

/** Before `patchGroup`, which reports joins: a join here is one that it reports. */
export function patchMembership(): void {
  const { prototype } = internal<{ prototype: Group }>('consumer/consumerGroup.js')
  followCoordinator(prototype)
  keepMemberId(prototype)
  awaitLeaders(prototype)
}

function followCoordinator(group: Group): void {
  const { heartbeat, leave } = group

  /** Work continues meanwhile: the session is as long as it was, and commits look for the coordinator themselves. */
  group.heartbeat = async function (options) {
    const nowMs = systemClock.elapsedMs()
    const isInTime = nowMs - (this.heardMs ?? nowMs) < this.sessionTimeout
    if (this.finding !== undefined && isInTime) return
    try {
      await heartbeat.call(this, options)
      this.heardMs = nowMs
    } catch (error) {
      if (!isBrokerAway(error)) throw error
      this.finding ??= find(this)
      if (!isInTime) throw error
    }
  }

  group.leave = async function () {
    try {
      await leave.call(this)
    } catch (error) {
      if (typeOf(error) !== 'NOT_COORDINATOR_FOR_GROUP') throw error
      this.coordinator = await this.cluster.findGroupCoordinator({ groupId: this.groupId })
      await leave.call(this)
    }
  }
}

async function find(group: Group): Promise<void> {
  try {
    group.coordinator = await group.cluster.findGroupCoordinator({ groupId: group.groupId })
  } catch {
    // The next heartbeat fails as well, and looks again.
  }
  await systemClock.sleep(LOOK_AGAIN_MS)
  group.finding = undefined
}

/** After a crash the package makes a group member of its own, which joins as the one before. */
function keepMemberId(group: Group): void {
  const { joinAndSync } = group
  group.joinAndSync = async function () {
    const hooks = this.assigners[0]?.hooks
    if (this.generationId === null) this.memberId ??= hooks?.memberId ?? null
    try {
      await joinAndSync.call(this)
      this.heardMs = systemClock.elapsedMs()
    } finally {
      if (hooks !== undefined) hooks.memberId = this.memberId
    }
  }
}

function awaitLeaders(group: Group): void {
  const recover = group.recoverFromFetch
  group.recoverFromFetch = async function (error) {
    if (!isLeaderAway(error) && !isBrokerAway(error)) return recover.call(this, error)
    if (error instanceof Error && 'host' in error && 'port' in error)
      this.cluster.removeBroker({ host: String(error.host), port: Number(error.port) })
    await this.cluster.refreshMetadata()
    await systemClock.sleep(LOOK_AGAIN_MS)
  }
}
