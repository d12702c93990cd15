/**
 * A missing right, as one error: which user lacks which operations on what, and the command that grants them. Kafka
 * says only what kind of thing it refused. The operation follows from the request (Kafka documentation, "Operations
 * and Resources on Protocols"); the right that covers it, from what the process needs in all. Pure.
 */
import { AccessDenied } from '../errors.ts'
import type { Refused } from '../kafkajs-patches/access.ts'
import type { KafkaOptions } from '../port.ts'
import { grantCommand, type Operation, type Resource, type ResourceType, type Right, rightFor } from '../rights.ts'

/** Who asks: for the command. `rights`: what the process needs in all. */
export type Asker = Pick<KafkaOptions, 'brokers' | 'sasl'> & { rights?: readonly Right[] | undefined }

const TYPES: Readonly<Record<string, ResourceType>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster',
}

/** Where it differs by request; else what `DEFAULTS` say. */
const OPERATIONS: Readonly<Record<string, Partial<Record<ResourceType, Operation>>>> = {
  produce: { topic: 'Write' },
  addPartitionsToTxn: { topic: 'Write' },
  fetch: { topic: 'Read' },
  offsetCommit: { topic: 'Read', group: 'Read' },
  txnOffsetCommit: { topic: 'Read', group: 'Read' },
  addOffsetsToTxn: { group: 'Read' },
  joinGroup: { group: 'Read' },
  syncGroup: { group: 'Read' },
  heartbeat: { group: 'Read' },
  leaveGroup: { group: 'Read' },
  createTopics: { topic: 'Create', cluster: 'Create' },
  createPartitions: { topic: 'Alter' },
  deleteTopics: { topic: 'Delete' },
  deleteRecords: { topic: 'Delete' },
  describeConfigs: { topic: 'DescribeConfigs' },
  findGroupCoordinator: { 'transactional-id': 'Describe' },
}
const DEFAULTS: Readonly<Record<ResourceType, Operation>> = {
  topic: 'Describe',
  group: 'Describe',
  'transactional-id': 'Write',
  cluster: 'IdempotentWrite',
}

/** How Kafka names the cluster as a resource. */
const CLUSTER = 'kafka-cluster'
/** Placeholders for a person to replace, where Kafka's answer or the login does not tell. */
const SOMETHING = 'NAME'
const SOMEBODY = 'User:NAME'
const NAMES_SHOWN_MAX = 5

/** Null for an error that is not about a right on one of these. `refused`: what the request was about, if known. */
export function accessDenied(
  type: string | undefined,
  refused: Refused | undefined,
  doing: string,
  asker: Asker | undefined,
  cause: unknown,
): AccessDenied | null {
  const said = TYPES[type ?? '']
  if (said === undefined) return null
  const rights = asker?.rights ?? []
  const writable = said === 'cluster' && refused?.request === 'initProducerId' ? writableIn(rights) : undefined
  const kind = writable === undefined ? said : 'topic'
  const names = writable === undefined ? namesOf(kind, refused) : [writable.name]
  const denied = writable === undefined ? (OPERATIONS[refused?.request ?? '']?.[kind] ?? DEFAULTS[kind]) : 'Write'
  const { resource, operations } = missingRight(kind, names, denied, rights)
  const principal = principalOf(asker?.sasl)
  const who = principal === SOMEBODY ? 'this user' : principal
  return new AccessDenied(
    'HR_KAFKA_ACL',
    `${doing}: ${who} lacks ${operations.join(', ')} on ${WORDS[kind]} ${shownNames(names)} (${type})`,
    { hint: `grant it: ${grantCommand(asker?.brokers ?? ['BROKER'], { principal, resource, operations })}`, cause },
  )
}

/**
 * A producer without transactions may begin if the user may write to any topic, or has `IdempotentWrite` on the
 * cluster. Kafka then names the cluster; what the process needs is the topic.
 */
const writableIn = (rights: readonly Right[]): Resource | undefined =>
  rights.find(({ resource, operation }) => resource.type === 'topic' && operation === 'Write')?.resource

const WORDS: Readonly<Record<ResourceType, string>> = {
  topic: 'topic',
  group: 'group',
  'transactional-id': 'transactional id',
  cluster: 'cluster',
}

function namesOf(kind: ResourceType, refused: Refused | undefined): string[] {
  if (kind === 'cluster') return [CLUSTER]
  if (kind === 'topic') return refused?.topics ?? []
  const name = kind === 'group' ? refused?.group : refused?.transactionalId
  return name === undefined ? [] : [name]
}

function shownNames(names: readonly string[]): string {
  if (names.length === 0) return '(Kafka does not say which)'
  const more = names.length - NAMES_SHOWN_MAX
  return `${names.slice(0, NAMES_SHOWN_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/**
 * `Describe` comes with other operations. So a user without it has none of those that the process needs there, and the
 * command grants all of them.
 */
function missingRight(
  type: ResourceType,
  names: readonly string[],
  denied: Operation,
  rights: readonly Right[],
): { resource: Resource; operations: Operation[] } {
  const name = names[0] ?? SOMETHING
  const right = rightFor(rights, type, name, denied)
  if (right === null) return { resource: { type, name, pattern: 'literal' }, operations: [denied] }
  const { resource } = right
  if (denied !== 'Describe' || right.operation === 'Describe') return { resource, operations: [right.operation] }
  const same = rights.filter(
    (each) => each.optional !== true && each.resource.type === type && each.resource.name === resource.name,
  )
  return { resource, operations: same.map(({ operation }) => operation) }
}

/** The principal that Kafka makes of a login with a name. Any other login has a name that only the broker knows. */
function principalOf(sasl: KafkaOptions['sasl']): string {
  return sasl !== undefined && 'username' in sasl ? `User:${sasl.username}` : SOMEBODY
}
