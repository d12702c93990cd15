/** TLS options of the three servers. All throw WrongUse, naming the option. Pure. */
import { WrongUse } from '../errors.ts'
import { type Pems, pemsOf } from '../tls/pems.ts'
import type { OptionValues } from './options.ts'

const PARTS = ['CA', 'CERT', 'KEY', 'KEY_PASSPHRASE'] as const

/** Undefined: in the clear. */
export function kafkaTlsOf(values: OptionValues): Pems | undefined {
  if (values.KAFKA_TLS) return pemsFor('KAFKA_TLS', values)
  const set = firstSet('KAFKA_TLS', values)
  if (set === undefined) return undefined
  throw new WrongUse('HR_OPTION', `${set} is set, but KAFKA_TLS is not: the connection would be in the clear`, {
    hint: `set KAFKA_TLS=true, or unset ${set}`,
  })
}

/** Undefined where the server needs nothing of its own. */
export function httpTlsOf(server: 'SCHEMA_REGISTRY' | 'CLICKHOUSE', values: OptionValues): Pems | undefined {
  const prefix = `${server}_TLS` as const
  const set = firstSet(prefix, values)
  if (set === undefined) return undefined
  if (values[`${server}_URL`]?.toLowerCase().startsWith('https:') !== true) {
    throw new WrongUse('HR_OPTION', `${set} is set, but ${server}_URL is not an https address`, {
      hint: `write ${server}_URL with https://, or unset ${set}`,
    })
  }
  return pemsFor(prefix, values)
}

type Prefix = 'KAFKA_TLS' | 'SCHEMA_REGISTRY_TLS' | 'CLICKHOUSE_TLS'

const firstSet = (prefix: Prefix, values: OptionValues): string | undefined =>
  PARTS.map((part) => `${prefix}_${part}` as const).find((name) => values[name] !== undefined)

const pemsFor = (prefix: Prefix, values: OptionValues): Pems =>
  pemsOf(prefix, {
    ca: values[`${prefix}_CA`],
    cert: values[`${prefix}_CERT`],
    key: values[`${prefix}_KEY`],
    passphrase: values[`${prefix}_KEY_PASSPHRASE`],
  })
