/** Which errors mean that a request must go to another broker, or to the same one a moment later. */
import { typeOf } from './error-type.ts'

const TYPES = [
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NETWORK_EXCEPTION',
  'REQUEST_TIMED_OUT',
]
const NAMES = [
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
]
const LEADER_TYPES = [
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
]

/** A coordinator has moved or is starting, or its broker cannot be reached. */
export function isBrokerAway(error: unknown): boolean {
  return error instanceof Error && (NAMES.includes(error.name) || TYPES.includes(typeOf(error)))
}

/** A partition's leader has moved, or none is elected yet. */
export function isLeaderAway(error: unknown): boolean {
  return LEADER_TYPES.includes(typeOf(error))
}
