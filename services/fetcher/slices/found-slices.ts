/** The result of slice discovery, and the contract of discovery. */
import type { PageResponse } from '../http/messages.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { Slice } from './slice.ts'

export type DiscoveryCost = Pick<PageResponse, 'attempts' | 'retries' | 'bytes' | 'durationMs'>
export const NO_COST: DiscoveryCost = { attempts: 0, retries: 0, bytes: 0, durationMs: 0 }

/**
 * Slices by partition, in the order in which they are walked. `cost`: of the requests; nothing for a caller that gets
 * the result of another one's requests.
 */
export type FoundSlices = { shares: readonly (readonly Slice[])[]; cost: DiscoveryCost }
export type Discovery = { find(stop: Stop): Promise<FoundSlices> }
