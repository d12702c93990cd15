/**
 * The least rights of each user on Kafka, in one place: the document, the remedies in errors and the tests are made of
 * it. `Read` and `Write` bring `Describe`, so that stands alone only where nothing else is needed. No right on the
 * cluster is needed.
 */
import { namesFor } from '../names.ts'

/** Whose rights a process has: `fetch`, `load`, or a command of a person. */
export type Role = 'fetcher' | 'loader' | 'operator'
export const ROLES: readonly Role[] = ['fetcher', 'loader', 'operator']

export type ResourceType = 'topic' | 'group' | 'transactional-id' | 'cluster'

/** As kafka-acls spells it. */
export type Operation =
  | 'Alter'
  | 'Create'
  | 'Delete'
  | 'Describe'
  | 'DescribeConfigs'
  | 'IdempotentWrite'
  | 'Read'
  | 'Write'

export type Resource = { type: ResourceType; name: string; pattern: 'literal' | 'prefixed' }

export type Right = {
  resource: Resource
  operation: Operation
  /** What happens without it. */
  without: string
  /** Without it, only a warning is missing. */
  optional?: true
}

export function leastRights(role: Role, prefix: string): readonly Right[] {
  const names = namesFor(prefix)
  const topics: Resource = { type: 'topic', name: names.groups, pattern: 'prefixed' }
  const transactions: Resource = { type: 'transactional-id', name: names.groups, pattern: 'prefixed' }
  const group = (name: string): Resource => ({ type: 'group', name, pattern: 'literal' })
  const groups = (name: string): Resource => ({ type: 'group', name, pattern: 'prefixed' })
  const right = (resource: Resource, operation: Operation, without: string): Right => ({ resource, operation, without })
  const settings: Right = {
    ...right(topics, 'DescribeConfigs', 'no warnings about settings of topics, such as min.insync.replicas'),
    optional: true,
  }
  switch (role) {
    case 'fetcher':
      return [
        right(topics, 'Read', 'no run begins: it recalls what was published, and commits checkpoints'),
        right(topics, 'Write', 'nothing is published'),
        right(topics, 'Create', 'a new stream has no topics; not needed if they are made beforehand'),
        right(topics, 'Alter', 'a stream that is declared with more partitions does not get them'),
        right(transactions, 'Write', 'nothing is published'),
        right(group(names.fetcherGroup), 'Read', 'no partition is assigned, no checkpoint committed'),
        right(group(names.loaderGroup), 'Describe', 'what the loader has confirmed is unknown, so no run begins'),
        right(groups(names.backfillGroups), 'Read', 'a backfill (`--from`, `--to`) has no checkpoints, and fails'),
        right(groups(names.skippedGroups), 'Read', '`status` does not show a page that was skipped'),
        right(group(names.attemptsGroup), 'Read', '`status` does not show how attempts ended; a pause is not kept'),
        right(group(names.reportedFieldsGroup), 'Read', 'unknown fields are logged again after each restart'),
        right(group(names.releasesGroup), 'Describe', 'a release of a pause by a person is not seen'),
        settings,
      ]
    case 'loader':
      return [
        right(topics, 'Read', 'nothing is read or committed'),
        right(topics, 'Write', 'a record that cannot be a row stops its stream: it has no dead letter'),
        right(group(names.loaderGroup), 'Read', 'no partition is assigned, nothing committed'),
        right(group(names.lettersLedgerGroup), 'Read', 'dead letters are not in the table `headrace_dead_letters`'),
        right(group(names.stallsGroup), 'Read', '`status` does not show what the loader waits for'),
      ]
    case 'operator':
      return [
        right(topics, 'Read', 'no command reads a log'),
        right(groups(names.groups), 'Describe', 'no command sees checkpoints, watermarks and notes'),
        right(group(names.loaderGroup), 'Read', 'no `replay`'),
        right(group(names.releasesGroup), 'Read', 'no `release`'),
        right(topics, 'Write', 'no `dead-letters replay` and `drop`'),
        right(transactions, 'Write', 'no `dead-letters replay` and `drop`'),
        right(group(names.lettersGroup), 'Read', 'no `dead-letters replay` and `drop`'),
        settings,
      ]
  }
}

/** The right that covers this name, for this operation if there is one; null where the role has none. */
export function rightFor(
  rights: readonly Right[],
  type: ResourceType,
  name: string,
  operation: Operation,
): Right | null {
  const covering = rights.filter(
    ({ resource }) =>
      resource.type === type &&
      (resource.pattern === 'literal' ? resource.name === name : name.startsWith(resource.name)),
  )
  return covering.find((each) => each.operation === operation) ?? covering.find(implies(operation)) ?? null
}

/** Kafka, "Operations and Resources on Protocols": these bring Describe. */
const implies =
  (operation: Operation) =>
  (right: Right): boolean =>
    operation === 'Describe' && ['Read', 'Write', 'Alter', 'Delete'].includes(right.operation)

export type Grant = { principal: string; resource: Resource; operations: readonly Operation[] }

/** Ready to be pasted into a shell. */
export function grantCommand(brokers: readonly string[], { principal, resource, operations }: Grant): string {
  const { type, name, pattern } = resource
  return [
    `kafka-acls --bootstrap-server ${brokers.join(',')} --add --allow-principal ${quoted(principal)}`,
    ...operations.map((operation) => `--operation ${operation}`),
    type === 'cluster' ? '--cluster' : `--${type} ${quoted(name)}`,
    ...(pattern === 'prefixed' ? ['--resource-pattern-type prefixed'] : []),
  ].join(' ')
}

/** For a POSIX shell; a plain word stays as it is. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** One grant for each resource, so that a role needs few commands. */
export function grantsOf(rights: readonly Right[], principal: string): Grant[] {
  const grants = new Map<string, { principal: string; resource: Resource; operations: Operation[] }>()
  for (const { resource, operation } of rights) {
    const id = JSON.stringify(resource)
    const grant = grants.get(id) ?? { principal, resource, operations: [] }
    grant.operations.push(operation)
    grants.set(id, grant)
  }
  return [...grants.values()]
}
