/** The generated part of docs/kafka-acls.md: for each user the commands, and what each right is for. */
import {
  grantCommand,
  grantsOf,
  leastRights,
  type Resource,
  type Right,
  ROLES,
  type Role,
} from '#shared/kafka/rights.ts'
import { markdownTable } from '../../services/cli/markdown-table.ts'

const TITLES: Readonly<Record<Role, string>> = {
  fetcher: 'Fetcher: `headrace fetch`',
  loader: 'Loader: `headrace load`',
  operator: "A person's commands: `status`, `verify`, `plan`, `replay`, `release`, `dead-letters`",
}

const PREFIX = 'headrace'
const BROKERS = ['broker-1:9092']

export const aclsText = (): string => ROLES.map(sectionOf).join('\n\n')

function sectionOf(role: Role): string {
  const rights = leastRights(role, PREFIX)
  const needed = rights.filter(({ optional }) => optional !== true)
  const commands = grantsOf(needed, `User:${role}`).map((grant) => grantCommand(BROKERS, grant))
  return [
    `### ${TITLES[role]}`,
    ['```sh', ...commands, '```'].join('\n'),
    markdownTable(['Resource', 'Operation', 'Without it'], rights.map(rowOf)),
  ].join('\n\n')
}

const rowOf = ({ resource, operation, without, optional }: Right): string[] => [
  shown(resource),
  optional === true ? `${operation} (optional)` : operation,
  without,
]

const shown = ({ type, name, pattern }: Resource): string =>
  `${type} \`${name}\`${pattern === 'prefixed' ? ' and all that begin so' : ''}`
