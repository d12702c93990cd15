/**
 * From the client package's errors to ours: what is wrong, in one line, and what to do. The package's error is kept as
 * the cause. Which of its errors are transient is decided here too.
 */
import { HeadraceError, messageOf, Stopped, Unavailable } from '../../errors.ts'
import { KAFKA_TLS_OPTIONS, tlsFaultOf } from '../../tls/explain.ts'
import { FencedError } from '../errors.ts'
import type { Refused } from '../kafkajs-patches/access.ts'
import { isDeniedType } from '../kafkajs-patches/error-type.ts'
import { type Asker, accessDenied } from './access.ts'

/** The fields of a package error that decide. */
type Failure = {
  name: string
  type: string | undefined
  code: unknown
  retriable: boolean | undefined
  broker: string | undefined
  refused: Refused | undefined
  /** An error of ours that the package passed on. */
  ours: HeadraceError | undefined
}

const FENCED = [
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'TRANSACTION_COORDINATOR_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]
const STALE = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']
const NOT_IN_SYNC = ['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND']
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']
const REFUSED = ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE', 'SECURITY_DISABLED']
const TLS = /certificate|self[- ]signed|wrong version number|TLS|SSL|ALERT/i
const CAUSES_MAX = 8
/** Of several things that were asked for at once, these are as they should be. */
const WELL = ['TOPIC_ALREADY_EXISTS']

export function isFenced(error: unknown): boolean {
  return FENCED.includes(failureOf(error).type ?? '')
}

export function isStale(error: unknown): boolean {
  return STALE.includes(failureOf(error).type ?? '')
}

export function isUnknownTopic(error: unknown): boolean {
  return failureOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION'
}

/** The user has no permission. */
export function isDenied(error: unknown): boolean {
  return isDeniedType(failureOf(error).type ?? '')
}

/** There are fewer brokers than copies. The error may be one of ours, with the package's as its cause. */
export function isTooFewBrokers(error: unknown): boolean {
  const cause = error instanceof HeadraceError ? error.cause : error
  return failureOf(cause).type === 'INVALID_REPLICATION_FACTOR'
}

/** A topic has as many partitions as requested, or more. */
export function isGrown(error: unknown): boolean {
  return failureOf(error).type === 'INVALID_PARTITIONS'
}

/** True for what a retry can solve: elections, a coordinator that moves, a lost connection. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HeadraceError) return false
  const failure = failureOf(error)
  return failure.retriable === true || failure.type === 'NETWORK_EXCEPTION'
}

/**
 * Any error as one of ours; one that is ours already stays as it is. `doing` is a phrase such as "reading the offsets
 * of x". `asker`: for the command that grants a missing right.
 */
export function explainFailure(error: unknown, doing: string, asker?: Asker): HeadraceError {
  if (error instanceof HeadraceError) return error
  const { name, type, broker, refused, ours } = failureOf(error)
  if (ours !== undefined) return ours
  const message = messageOf(innermost(error))
  const denied = accessDenied(type, refused, doing, asker, error)
  if (denied !== null) return denied
  const at = broker === undefined ? '' : ` (${broker})`
  if (FENCED.includes(type ?? ''))
    return new FencedError('HR_KAFKA_FENCED', `${doing}: another process has taken over`, { cause: error })
  if (TOO_LARGE.includes(type ?? ''))
    return new Stopped('HR_KAFKA_TOO_LARGE', `${doing}: a record is larger than the topic takes`, {
      hint: 'raise max.message.bytes of the topic',
      cause: error,
    })
  if (NOT_IN_SYNC.includes(type ?? ''))
    return new Unavailable('HR_KAFKA_IN_SYNC', `${doing}: fewer copies are in sync than min.insync.replicas asks for`, {
      hint: 'start the missing brokers, or wait until their copies have caught up',
      cause: error,
    })
  if (type === 'INVALID_TIMESTAMP')
    return new Stopped('HR_KAFKA_TIMESTAMP', `${doing}: Kafka takes no record of this time: ${message}`, {
      hint: 'compare the clocks of this machine and of the brokers; the topic allows message.timestamp.after.max.ms',
      cause: error,
    })
  if (isRefusal(name, type))
    return new Unavailable('HR_KAFKA_REFUSED', `${doing}: Kafka refuses${at}: ${message}`, {
      hint: refusalHint(name, type, message),
      cause: error,
    })
  const fault = name.startsWith('KafkaJSConnection') ? tlsFaultOf({ message }, KAFKA_TLS_OPTIONS) : null
  if (fault !== null)
    return new Unavailable('HR_KAFKA_TLS', `${doing}: no connection to Kafka${at}: ${fault.message}`, {
      hint: fault.hint,
      cause: error,
    })
  if (TLS.test(message))
    return new Unavailable('HR_KAFKA_TLS', `${doing}: no TLS connection to Kafka${at}: ${message}`, {
      hint: 'see KAFKA_TLS and KAFKA_TLS_CA, and whether the address is a TLS listener',
      cause: error,
    })
  if (name.startsWith('KafkaJSConnection'))
    return new Unavailable('HR_KAFKA_UNREACHABLE', `${doing}: Kafka is not reachable${at}: ${message}`, {
      hint: 'see KAFKA_BROKERS, and whether the addresses that the brokers advertise can be reached from here',
      cause: error,
    })
  return new Unavailable('HR_KAFKA_REQUEST', `${doing}: ${message}${type === undefined ? '' : ` (${type})`}`, {
    cause: error,
  })
}

function isRefusal(name: string, type: string | undefined): boolean {
  return name === 'KafkaJSSASLAuthenticationError' || REFUSED.includes(type ?? '') || isDeniedType(type ?? '')
}

/** What a person can change: the mechanism, the login, or the rights. */
function refusalHint(name: string, type: string | undefined, message: string): string {
  if (type === 'ILLEGAL_SASL_STATE')
    return 'this listener takes no login: unset KAFKA_SASL_MECHANISM, or give the port of a SASL listener'
  // A broker's refusal of a password names the mechanism too.
  if (
    type === 'UNSUPPORTED_SASL_MECHANISM' ||
    /other mechanisms|unsupported.*mechanism|mechanism.*not (?:supported|enabled)/i.test(message)
  )
    return 'set KAFKA_SASL_MECHANISM to a mechanism of this listener'
  return name === 'KafkaJSSASLAuthenticationError' && /token|OAUTHBEARER/i.test(message)
    ? 'see KAFKA_OAUTH_TOKEN_URL or KAFKA_OAUTH_TOKEN_FILE, the scope and audience of the token, and the clocks'
    : 'see KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
}

function failureOf(error: unknown): Failure {
  const inner = innermost(error)
  const fields: Record<string, unknown> =
    inner instanceof Error ? { ...inner, name: inner.name, cause: inner.cause } : {}
  return {
    name: String(fields.name ?? ''),
    type: typeof fields.type === 'string' ? fields.type : undefined,
    code: fields.code,
    retriable: typeof fields.retriable === 'boolean' ? fields.retriable : undefined,
    broker: typeof fields.broker === 'string' ? fields.broker : undefined,
    refused: fields.refused as Refused | undefined,
    ours: fields.cause instanceof HeadraceError ? fields.cause : undefined,
  }
}

/** The package wraps errors in errors ("number of retries exceeded", "topic creation errors"): the actual failure. */
function innermost(error: unknown): unknown {
  let inner = error
  for (let depth = 0; depth < CAUSES_MAX && inner instanceof Error; depth++) {
    const next = partOf(inner) ?? (wraps(inner) ? inner.cause : undefined)
    if (next === undefined) break
    inner = next
  }
  return inner
}

/** The worst of several: a missing right, else the first that went wrong. */
function partOf(error: Error): Error | undefined {
  const { errors, partitions } = error as { errors?: unknown; partitions?: unknown }
  const parts = Array.isArray(errors) ? errors : Array.isArray(partitions) ? partitions.map((each) => each?.error) : []
  const failures = parts.filter((each): each is Error & { type?: unknown } => each instanceof Error)
  return (
    failures.find(({ type }) => isDeniedType(String(type))) ??
    failures.find(({ type }) => !WELL.includes(String(type))) ??
    failures[0]
  )
}

function wraps(error: Error): boolean {
  if (error.cause instanceof HeadraceError) return false
  return error.cause instanceof Error && !('type' in error && typeof error.type === 'string')
}
