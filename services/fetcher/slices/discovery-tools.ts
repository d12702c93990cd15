/** What the parts of a discovery use and find. */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { ScalarValues } from '#shared/declaration/parent.ts'
import type { Log } from '#shared/log.ts'
import type { Send } from '../http/messages.ts'
import type { Discovery } from './slice.ts'

export type DiscoveryTools = {
  stream: Stream
  baseUrl: string
  send: Send
  clock: Clock
  log: Log
  /** Of a parent whose own slices are discovered. */
  discoveryOf(parent: Stream): Discovery
}

/** `changed`: false for a record of the parent that has not changed; undefined where that is not asked. */
export type FoundValues = { values: ScalarValues; extra?: ScalarValues; changed?: boolean }
