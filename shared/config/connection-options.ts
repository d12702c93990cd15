/** Options of a connection that are only valid together. All throw WrongUse, naming the option. Pure. */
import { WrongUse } from '../errors.ts'
import type { KafkaOptions } from '../kafka/kafka.ts'
import type { RegistryTls } from '../schema/registry-connection.ts'
import type { OptionValues } from './options.ts'

export function tlsOf(values: OptionValues): KafkaOptions['tls'] {
  const { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = values
  if (!values.KAFKA_TLS) {
    const set = (['KAFKA_TLS_CA', 'KAFKA_TLS_CERT', 'KAFKA_TLS_KEY'] as const).find(
      (name) => values[name] !== undefined,
    )
    if (set === undefined) return undefined
    throw new WrongUse('HR_OPTION', `${set} is set, but KAFKA_TLS is not: the connection would be in the clear`, {
      hint: `set KAFKA_TLS=true, or take ${set} away`,
    })
  }
  return pemsOf('KAFKA_TLS', ca, cert, key)
}

/** PEM texts of the options `PREFIX_CA`, `PREFIX_CERT` and `PREFIX_KEY`, of which the last two belong together. */
function pemsOf(prefix: string, ca: string | undefined, cert: string | undefined, key: string | undefined) {
  if ((cert === undefined) !== (key === undefined)) {
    throw new WrongUse('HR_OPTION', `${prefix}_CERT and ${prefix}_KEY belong together, and one of them is missing`, {
      hint: 'set both, each also as NAME_FILE',
    })
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

export function saslOf(values: OptionValues): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values
  if (mechanism === undefined && username === undefined && password === undefined) return undefined
  if (mechanism !== undefined && username !== undefined && password !== undefined)
    return { mechanism, username, password }
  throw new WrongUse(
    'HR_OPTION',
    'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together, and one is missing',
    {
      hint: 'set all three (KAFKA_SASL_PASSWORD_FILE to a file that holds the password), or none',
    },
  )
}

export function userOf({ SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password }: OptionValues) {
  if (password === undefined || user !== undefined) return { user, password }
  throw new WrongUse('HR_OPTION', 'SCHEMA_REGISTRY_PASSWORD is set without SCHEMA_REGISTRY_USER', {
    hint: 'set both, or none',
  })
}

/** Undefined where the registry needs nothing of its own. */
export function registryTlsOf(values: OptionValues): RegistryTls | undefined {
  const {
    SCHEMA_REGISTRY_URL: url,
    SCHEMA_REGISTRY_TLS_CA: ca,
    SCHEMA_REGISTRY_TLS_CERT: cert,
    SCHEMA_REGISTRY_TLS_KEY: key,
  } = values
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  const pems = pemsOf('SCHEMA_REGISTRY_TLS', ca, cert, key)
  if (url === undefined || !url.toLowerCase().startsWith('https:')) {
    const set = ca === undefined ? 'SCHEMA_REGISTRY_TLS_CERT' : 'SCHEMA_REGISTRY_TLS_CA'
    throw new WrongUse('HR_OPTION', `${set} is set, but SCHEMA_REGISTRY_URL is not an https address`, {
      hint: `write SCHEMA_REGISTRY_URL with https://, or unset ${set}`,
    })
  }
  return pems
}

export function shardedOf({ CLICKHOUSE_SHARDED: sharded, CLICKHOUSE_CLUSTER: cluster }: OptionValues): boolean {
  if (!sharded || cluster !== undefined) return sharded
  throw new WrongUse('HR_OPTION', 'CLICKHOUSE_SHARDED: there are no shards without a cluster', {
    hint: 'set CLICKHOUSE_CLUSTER too',
  })
}
