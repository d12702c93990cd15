/**
 * How to log in to the brokers, as the client package takes it. A token is obtained when a broker asks for it, shared
 * by all connections of the process, and replaced before it expires.
 */
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import { sharedToken, type TokenOf, type TokenSource, tokenIn } from './login-token.ts'
import { mskToken } from './msk-iam.ts'
import { oauthBearer } from './oauth-bearer.ts'
import { tokenFromEndpoint } from './token-endpoint.ts'

export type KafkaLogin =
  | { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  | { mechanism: 'oauthbearer'; token: TokenSource; extensions: Readonly<Record<string, string>> }
  | { mechanism: 'aws-msk-iam'; region: string }

/** Called for each client: the package changes what it gets. */
export type SaslOf = () => KafkaConfig['sasl']

/** For all clients of one connection to a cluster, so that they share a token. */
export function saslOf(login: KafkaLogin | undefined, clock: Clock): SaslOf {
  switch (login?.mechanism) {
    case undefined:
      return () => undefined
    case 'oauthbearer': {
      const token = tokenOf(login.token, clock)
      return () => oauthBearer(token, login.extensions)
    }
    case 'aws-msk-iam': {
      const token = sharedToken(clock, () => mskToken(login.region, clock))
      return () => oauthBearer(token, {})
    }
    default:
      return () => ({ ...login }) as SASLOptions
  }
}

const tokenOf = (source: TokenSource, clock: Clock): TokenOf =>
  source.kind === 'given' ? async () => tokenIn(source.read()) : sharedToken(clock, tokenFromEndpoint(source, clock))
