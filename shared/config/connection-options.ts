/** Options of a connection that are only valid together. All throw WrongUse, naming the option. Pure. */
import { WrongUse } from '../errors.ts'
import type { OptionValues } from './options.ts'

export function userOf({ SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password }: OptionValues) {
  if (password === undefined || user !== undefined) return { user, password }
  throw new WrongUse('HR_OPTION', 'SCHEMA_REGISTRY_PASSWORD is set without SCHEMA_REGISTRY_USER', {
    hint: 'set both, or none',
  })
}

export function shardedOf({ CLICKHOUSE_SHARDED: sharded, CLICKHOUSE_CLUSTER: cluster }: OptionValues): boolean {
  if (!sharded || cluster !== undefined) return sharded
  throw new WrongUse('HR_OPTION', 'CLICKHOUSE_SHARDED: there are no shards without a cluster', {
    hint: 'set CLICKHOUSE_CLUSTER too',
  })
}
