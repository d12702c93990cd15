/** How to log in to the brokers, by the options of the mechanism. All throw WrongUse, naming the option. */
import { WrongUse } from '../errors.ts'
import type { KafkaLogin } from '../kafka/login/login.ts'
import type { TokenSource } from '../kafka/login/login-token.ts'
import { certificatesIn } from '../tls/pems.ts'
import { type OptionName, type OptionValues, splitList } from './options.ts'
import { type Environment, optionValue } from './read-options.ts'

const OAUTH = [
  'KAFKA_OAUTH_TOKEN_URL',
  'KAFKA_OAUTH_CLIENT_ID',
  'KAFKA_OAUTH_CLIENT_SECRET',
  'KAFKA_OAUTH_SCOPE',
  'KAFKA_OAUTH_TLS_CA',
  'KAFKA_OAUTH_TOKEN',
  'KAFKA_OAUTH_EXTENSIONS',
] as const
const PASSWORD = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const
const REGION = ['KAFKA_AWS_REGION'] as const

/** Undefined: without a login. */
export function loginOf(values: OptionValues, environment: Environment): KafkaLogin | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism } = values
  switch (mechanism) {
    case undefined:
      refuseWithoutUse(values, [...PASSWORD, ...OAUTH, ...REGION], 'KAFKA_SASL_MECHANISM is not set')
      return undefined
    case 'oauthbearer':
      refuseWithoutUse(values, [...PASSWORD, ...REGION], ofMechanism(mechanism))
      return { mechanism, token: tokenSource(values, environment), extensions: extensionsIn(values) }
    case 'aws-msk-iam':
      refuseWithoutUse(values, [...PASSWORD, ...OAUTH], ofMechanism(mechanism))
      if (!values.KAFKA_TLS) throw together('aws-msk-iam needs TLS', 'set KAFKA_TLS=true')
      return { mechanism, region: regionOf(values, environment) }
    default: {
      refuseWithoutUse(values, [...OAUTH, ...REGION], ofMechanism(mechanism))
      const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values
      if (username !== undefined && password !== undefined) return { mechanism, username, password }
      throw together(
        'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together, and one is missing',
        'set all three (KAFKA_SASL_PASSWORD_FILE to a file that holds the password), or none',
      )
    }
  }
}

const together = (message: string, hint: string) => new WrongUse('HR_OPTION', message, { hint })
const ofMechanism = (mechanism: string) => `KAFKA_SASL_MECHANISM is ${mechanism}`

/** A login that is ignored would look like a wrong one. */
function refuseWithoutUse(values: OptionValues, names: readonly OptionName[], because: string): void {
  const set = names.find((name) => values[name] !== undefined)
  if (set === undefined) return
  throw together(
    `${set} is set, but ${because}: they belong together`,
    `set KAFKA_SASL_MECHANISM to the mechanism that uses it, or unset ${set}`,
  )
}

function tokenSource(values: OptionValues, environment: Environment): TokenSource {
  const { KAFKA_OAUTH_TOKEN: token, KAFKA_OAUTH_TOKEN_URL: url, KAFKA_OAUTH_CLIENT_ID: clientId } = values
  const { KAFKA_OAUTH_CLIENT_SECRET: clientSecret, KAFKA_OAUTH_SCOPE: scope, KAFKA_OAUTH_TLS_CA: ca } = values
  if (token !== undefined) {
    const rest = OAUTH.filter((name) => name !== 'KAFKA_OAUTH_TOKEN' && name !== 'KAFKA_OAUTH_EXTENSIONS')
    refuseWithoutUse(values, rest, 'KAFKA_OAUTH_TOKEN is set too')
    return { kind: 'given', read: () => optionValue(environment, 'KAFKA_OAUTH_TOKEN') }
  }
  if (url === undefined || clientId === undefined || clientSecret === undefined) {
    throw together(
      'oauthbearer needs KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET, or a token',
      'set the three of them, or KAFKA_OAUTH_TOKEN_FILE to a file that something else keeps current',
    )
  }
  if (ca !== undefined && !url.toLowerCase().startsWith('https:'))
    throw together(
      'KAFKA_OAUTH_TLS_CA is set, but KAFKA_OAUTH_TOKEN_URL is not an https address',
      'write KAFKA_OAUTH_TOKEN_URL with https://, or unset KAFKA_OAUTH_TLS_CA',
    )
  return {
    kind: 'endpoint',
    url,
    clientId,
    clientSecret,
    scope,
    ca: ca === undefined ? undefined : certificatesIn('KAFKA_OAUTH_TLS_CA', ca),
  }
}

/** RFC 7628 section 3.1; `auth` is the token's own. */
const EXTENSION = /^([A-Za-z]+)=([\x20-\x7e]+)$/

function extensionsIn({ KAFKA_OAUTH_EXTENSIONS: given = '' }: OptionValues): Record<string, string> {
  return Object.fromEntries(
    splitList(given).map((entry) => {
      const [, name, value] = EXTENSION.exec(entry) ?? []
      if (name !== undefined && value !== undefined && name.toLowerCase() !== 'auth') return [name, value]
      throw together(
        'KAFKA_OAUTH_EXTENSIONS: expected name=value',
        'such as logicalCluster=lkc-1,identityPoolId=pool-1',
      )
    }),
  )
}

/** Brokers of MSK are called b-1.name.id.c2.kafka.eu-west-1.amazonaws.com. */
const MSK_HOST = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::|,|$)/

function regionOf(values: OptionValues, environment: Environment): string {
  const found =
    values.KAFKA_AWS_REGION ??
    (environment.AWS_REGION || environment.AWS_DEFAULT_REGION || MSK_HOST.exec(values.KAFKA_BROKERS ?? '')?.[1])
  if (found !== undefined) return found
  throw together('aws-msk-iam needs the region of the cluster', 'set KAFKA_AWS_REGION, such as eu-west-1')
}
