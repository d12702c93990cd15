/**
 * Finding the coordinator of a group or a transaction. The package has two faults here.
 * - "Failed to find group coordinator" means that no broker answered, mostly because a connection was lost at that
 *   moment. The package treats that as final, and one lost connection ends a group member for good.
 * - The reason is lost. A user who may not see the group gets the same error, as if that could pass.
 */
import { isDeniedType, typeOf } from './error-type.ts'
import { internal } from './internals.ts'

type Of = { groupId: string; coordinatorType: number }
type Broker = { findGroupCoordinator(of: Of): Promise<object> }
type Cluster = {
  brokerPool: { withBroker<T>(use: (found: { broker: Broker }) => Promise<T>): Promise<T | null> }
  retrier<T>(work: (bail: (error: unknown) => void) => Promise<T>): Promise<T>
  findGroupCoordinatorMetadata(of: Of): Promise<object>
}
type Errors = { KafkaJSGroupCoordinatorNotFound: new (message: string) => Error }

export function patchCoordinator(): void {
  const { prototype } = internal<{ prototype: Cluster }>('cluster/index.js')
  const { KafkaJSGroupCoordinatorNotFound } = internal<Errors>('errors.js')

  prototype.findGroupCoordinatorMetadata = async function (of) {
    let last: unknown
    const found = await this.brokerPool.withBroker(({ broker }) =>
      this.retrier(async (bail) => {
        try {
          return await broker.findGroupCoordinator(of)
        } catch (error) {
          last = error
          if (typeOf(error) === 'GROUP_COORDINATOR_NOT_AVAILABLE') throw error
          return bail(error) as never
        }
      }),
    )
    if (found !== null && found !== undefined) return found
    if (isDeniedType(typeOf(last))) throw last
    const why = last instanceof Error ? `: ${last.message}` : ''
    throw Object.assign(new KafkaJSGroupCoordinatorNotFound(`Failed to find group coordinator${why}`), {
      retriable: true,
    })
  }
}
