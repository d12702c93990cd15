/** Rights on a cluster with an authorizer, given and taken by its admin, in the words of kafka-acls. */
import { Kafka } from '#shared/kafka/kafkajs-patches/load.ts'
import { createSocket } from '#shared/kafka/kafkajs-patches/socket.ts'
import { until } from './loading.ts'
import type { Closes } from './processes.ts'

/** One of them; a star at the end of a name means a prefix. */
export type Resource = { topic: string } | { group: string } | { transactionalId: string } | { cluster: true }
export type Operation = keyof typeof OPERATIONS

export type Acls = {
  /** From any host. Resolves when every broker knows it. */
  allow(user: string, resource: Resource, operations: readonly Operation[]): Promise<void>
  /** Takes back what `allow` gave. Resolves when every broker knows it. */
  disallow(user: string, resource: Resource, operations: readonly Operation[]): Promise<void>
}

const OPERATIONS = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const
const TYPES = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const
const LITERAL = 3
const PREFIXED = 4
const ALLOW = 3
const THE_CLUSTER = 'kafka-cluster'

/** `brokers` are plain listeners on which everybody is a super user. */
export function aclsOf(brokers: readonly string[], closes: Closes): Acls {
  const admins = brokers.map((broker) =>
    new Kafka({ brokers: [broker], clientId: 'acls', logLevel: 0, socketFactory: createSocket }).admin(),
  )
  let connected: Promise<unknown> | undefined
  closes.after(async () => {
    if (connected !== undefined) await Promise.all(admins.map((admin) => admin.disconnect()))
  })
  const connect = () => (connected ??= Promise.all(admins.map((admin) => admin.connect())))

  return {
    async allow(user, resource, operations) {
      await connect()
      const acl = operations.map((operation) => entryOf(user, resource, operation))
      await admins[0]!.createAcls({ acl } as never)
      await untilKnown(user, resource, operations, true)
    },
    async disallow(user, resource, operations) {
      await connect()
      const filters = operations.map((operation) => filterOf(user, resource, operation))
      await admins[0]!.deleteAcls({ filters } as never)
      await untilKnown(user, resource, operations, false)
    },
  }

  /** A broker applies what the controller has decided a moment later. */
  async function untilKnown(user: string, resource: Resource, operations: readonly Operation[], isThere: boolean) {
    for (const admin of admins)
      for (const operation of operations)
        await until(`the broker knows what ${user} may do`, async () => {
          const { resources } = await admin.describeAcls(filterOf(user, resource, operation) as never)
          return resources.length > 0 === isThere
        })
  }
}

function entryOf(user: string, resource: Resource, operation: Operation) {
  const [[type = '', name] = []] = Object.entries(resource) as [keyof typeof TYPES, string | true][]
  const text = name === true ? THE_CLUSTER : String(name)
  const isPrefix = text.endsWith('*')
  return {
    resourceType: TYPES[type as keyof typeof TYPES],
    resourceName: isPrefix ? text.slice(0, -1) : text,
    resourcePatternType: isPrefix ? PREFIXED : LITERAL,
    principal: `User:${user}`,
    host: '*',
    operation: OPERATIONS[operation],
    permissionType: ALLOW,
  }
}

/** The same entry, as requests that look for it say it. */
const filterOf = entryOf
