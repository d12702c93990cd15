/** The least rights of fetcher, loader and operator, given and taken on brokers with an authorizer. */
import { leastRights, type Right, ROLES, type Role } from '#shared/kafka/rights.ts'
import type { Acls, Operation, Resource } from './broker-acls.ts'

export const PASSWORDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(ROLES.map((role) => [role, `${role}-secret`])),
  stranger: 'stranger-secret',
}

/** Settings of a process that logs in as this user. */
export const login = (user: string) => ({
  KAFKA_SASL_MECHANISM: 'scram-sha-256',
  KAFKA_SASL_USERNAME: user,
  KAFKA_SASL_PASSWORD: PASSWORDS[user] ?? '',
})

export const needed = (role: Role, prefix: string): Right[] =>
  leastRights(role, prefix).filter(({ optional }) => optional !== true)

export async function allowAll(acls: Acls, prefix: string): Promise<void> {
  for (const role of ROLES) for (const right of needed(role, prefix)) await give(acls, role, right)
}

export const give = (acls: Acls, user: string, right: Right): Promise<void> =>
  acls.allow(user, resourceOf(right), [operationOf(right)])

export const take = (acls: Acls, user: string, right: Right): Promise<void> =>
  acls.disallow(user, resourceOf(right), [operationOf(right)])

function resourceOf({ resource: { type, name, pattern } }: Right): Resource {
  const text = pattern === 'prefixed' ? `${name}*` : name
  switch (type) {
    case 'topic':
      return { topic: text }
    case 'group':
      return { group: text }
    case 'transactional-id':
      return { transactionalId: text }
    case 'cluster':
      return { cluster: true }
  }
}

/** `DescribeConfigs` of kafka-acls is `DESCRIBE_CONFIGS` of the protocol. */
const operationOf = ({ operation }: Right): Operation =>
  operation.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase() as Operation
