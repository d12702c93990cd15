/** What is found of a stream's shares, and who finds it. */
import type { PageResponse } from '../http/messages.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { Slice } from './slice.ts'

export type DiscoveryCost = Pick<PageResponse, 'attempts' | 'retries' | 'bytes' | 'durationMs'>
export const NO_COST: DiscoveryCost = { attempts: 0, retries: 0, bytes: 0, durationMs: 0 }

/**
 * Shares by partition, in the order in which they are walked. `cost`: of asking for them; nothing for who gets what
 * another asked for.
 */
export type FoundSlices = { shares: readonly (readonly Slice[])[]; cost: DiscoveryCost }
export type Discovery = { find(stop: Stop): Promise<FoundSlices> }
