/**
 * "Failed to find group coordinator" means that no broker answered the request, mostly because a connection was lost at
 * that moment. The package treats that as final. Without this patch, one lost connection ends a group member, or a
 * transaction, for good.
 */
import { internal } from './internals.ts'

type Cluster = { findGroupCoordinatorMetadata(of: { groupId: string; coordinatorType: number }): Promise<object> }

export function patchCoordinator(): void {
  const { prototype } = internal<{ prototype: Cluster }>('cluster/index.js')
  const { findGroupCoordinatorMetadata } = prototype
  prototype.findGroupCoordinatorMetadata = async function (of) {
    try {
      return await findGroupCoordinatorMetadata.call(this, of)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound')
        Object.assign(error, { retriable: true })
      throw error
    }
  }
}
