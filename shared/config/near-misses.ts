/**
 * Finds variables whose names are nearly those of our options and that are therefore ignored: a typo, or another tool's
 * name for the same setting. Variables of other tools that only start like ours are not reported, since brokers and
 * servers are configured with such names too. Pure.
 */
import { slipsBetween } from '../declaration/mistakes/spelling.ts'

export type NearMiss = { name: string; meant: string }

/** Names that other tools use for the same setting. Reported only where ours is not set. */
const SYNONYMS: Readonly<Record<string, string>> = {
  KAFKA_BOOTSTRAP_SERVERS: 'KAFKA_BROKERS',
  KAFKA_BOOTSTRAP_SERVER: 'KAFKA_BROKERS',
  KAFKA_SERVERS: 'KAFKA_BROKERS',
  KAFKA_HOST: 'KAFKA_BROKERS',
  KAFKA_HOSTS: 'KAFKA_BROKERS',
  KAFKA_URL: 'KAFKA_BROKERS',
  KAFKA_USER: 'KAFKA_SASL_USERNAME',
  KAFKA_USERNAME: 'KAFKA_SASL_USERNAME',
  KAFKA_SASL_USER: 'KAFKA_SASL_USERNAME',
  KAFKA_PASSWORD: 'KAFKA_SASL_PASSWORD',
  KAFKA_SSL: 'KAFKA_TLS',
  KAFKA_CA: 'KAFKA_TLS_CA',
  KAFKA_SSL_CA: 'KAFKA_TLS_CA',
  SCHEMA_REGISTRY: 'SCHEMA_REGISTRY_URL',
  SCHEMA_REGISTRY_HOST: 'SCHEMA_REGISTRY_URL',
  SCHEMA_REGISTRY_ENDPOINT: 'SCHEMA_REGISTRY_URL',
  CLICKHOUSE_HOST: 'CLICKHOUSE_URL',
  CLICKHOUSE_ADDRESS: 'CLICKHOUSE_URL',
  CLICKHOUSE_ENDPOINT: 'CLICKHOUSE_URL',
  CLICKHOUSE_DB: 'CLICKHOUSE_DATABASE',
  CLICKHOUSE_CA: 'CLICKHOUSE_TLS_CA',
}
/** Opens every name of ours. */
const PREFIX = /^(KAFKA|SCHEMA_REGISTRY|CLICKHOUSE|HEADRACE|FETCHER|LOADER)_/
/** With a shorter rest after the prefix, too many other names would be near. */
const LONG_ENOUGH = 5
const SLIPS_MAX = 2
/**
 * Missing or added at the end of a name. More of them make a different name: KAFKA_SASL_MECHANISM_INTER_BROKER_PROTOCOL
 * is a broker's own.
 */
const WORDS_MAX = 1
/** This much of a name identifies it, whatever is missing or added at its end: CLICKHOUSE_USERNAME, CLICKHOUSE_PASS. */
const BEGINNING_MIN = 4
/** Longer names are not compared: they cannot be ours. */
const NAME_CHARS_MAX = 64

/** `known`: the names of all options. `set`: the names that are set; values are never read. In the order of `set`. */
export function nearMisses(set: readonly string[], known: readonly string[]): NearMiss[] {
  const ours = new Set(known.flatMap((name) => [name, `${name}_FILE`]))
  const isSet = (name: string) => set.includes(name) || set.includes(`${name}_FILE`)
  return set.flatMap((name) => {
    if (ours.has(name) || name.length > NAME_CHARS_MAX) return []
    const meant = slipOf(name, ours) ?? otherNameOf(name, known, isSet)
    return meant === null ? [] : [{ name, meant }]
  })
}

/**
 * One or two letters differ, or it is written without underscores or in lower case. An additional word makes a
 * different name: KAFKA_BROKER_ID.
 */
function slipOf(name: string, ours: ReadonlySet<string>): string | null {
  let best: { name: string; slips: number } | null = null
  for (const candidate of ours) {
    if (Math.abs(plain(name).length - plain(candidate).length) > SLIPS_MAX) continue
    const slips = slipsBetween(plain(name), plain(candidate))
    const wordsMatch = wordsIn(name) === wordsIn(candidate)
    const slipsMax = !wordsMatch ? 0 : restOf(candidate).length < LONG_ENOUGH ? 1 : SLIPS_MAX
    if (slips <= slipsMax && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { name: candidate, slips }
  }
  return best?.name ?? null
}

function otherNameOf(name: string, known: readonly string[], isSet: (name: string) => boolean): string | null {
  const bare = name.replace(/_FILE$/, '')
  const synonym = Object.hasOwn(SYNONYMS, bare) ? SYNONYMS[bare] : undefined
  const meant =
    synonym ?? known.find((candidate) => beginsAlike(plain(restOf(bare)), plain(restOf(candidate)), bare, candidate))
  return meant === undefined || isSet(meant) ? null : meant
}

function beginsAlike(given: string, known: string, name: string, candidate: string): boolean {
  if (PREFIX.exec(name)?.[0] !== PREFIX.exec(candidate)?.[0]) return false
  if (Math.abs(wordsIn(name) - wordsIn(candidate)) > WORDS_MAX) return false
  if (given.length < BEGINNING_MIN || known.length < BEGINNING_MIN) return false
  return given.startsWith(known) || known.startsWith(given)
}

const restOf = (name: string): string => name.replace(PREFIX, '')
const wordsIn = (name: string): number => name.split('_').length
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '')
