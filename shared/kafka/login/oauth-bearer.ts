/**
 * The mechanism OAUTHBEARER (RFC 7628, KIP-255). The package's own takes every answer as a success: after a refused
 * token, the broker closes the connection at the next request, without a reason.
 */
import type { AuthenticationProviderArgs, Authenticator, Mechanism } from 'kafkajs'
import { HeadraceError, WrongUse } from '../../errors.ts'
import { internal } from '../kafkajs-patches/internals.ts'
import { expiryOf, LoginRefused, type TokenOf } from './login-token.ts'

type Errors = {
  KafkaJSConnectionError: new (message: string, at: { broker: string }) => Error
  KafkaJSSASLAuthenticationError: new (message: string, details?: { cause: Error }) => Error
}

const SEPARATOR = '\u0001'
const LENGTH_BYTES = 4

export function oauthBearer(token: TokenOf, extensions: Readonly<Record<string, string>>): Mechanism {
  return { mechanism: 'OAUTHBEARER', authenticationProvider: (at) => authenticator(at, token, extensions) }
}

function authenticator(
  { host, port, saslAuthenticate }: AuthenticationProviderArgs,
  token: TokenOf,
  extensions: Readonly<Record<string, string>>,
): Authenticator {
  const broker = `${host}:${port}`
  const { KafkaJSSASLAuthenticationError } = internal<Errors>('errors.js')
  const send = async (text: string) =>
    (await saslAuthenticate<Buffer>({ request: withLength(text), response: WITHOUT_LENGTH })) ?? Buffer.alloc(0)
  return {
    async authenticate() {
      const value = await token().catch((error: unknown) => {
        throw asPackageError(error, broker)
      })
      const problem = await send(firstMessage(value, extensions)).catch((error: Error) => {
        throw new KafkaJSSASLAuthenticationError(`${error.message}${expiredBy(value)}`)
      })
      if (problem.length === 0) return
      // The broker sent its reason, and ends the exchange after one more message.
      await send(SEPARATOR).catch(() => undefined)
      throw new KafkaJSSASLAuthenticationError(`the token is refused: ${statusIn(problem)}${expiredBy(value)}`)
    },
  }
}

function firstMessage(token: string, extensions: Readonly<Record<string, string>>): string {
  const pairs = Object.entries({ auth: `Bearer ${token}`, ...extensions })
  return `n,,${SEPARATOR}${pairs.map(([name, value]) => `${name}=${value}${SEPARATOR}`).join('')}${SEPARATOR}`
}

/** The package retries what looks like a lost connection, which is right for an endpoint that is away for a moment. */
function asPackageError(error: unknown, broker: string): unknown {
  if (!(error instanceof HeadraceError)) return error
  const { KafkaJSConnectionError, KafkaJSSASLAuthenticationError } = internal<Errors>('errors.js')
  if (error instanceof LoginRefused || error instanceof WrongUse)
    return new KafkaJSSASLAuthenticationError(error.message, { cause: error })
  return Object.assign(new KafkaJSConnectionError(error.message, { broker }), { cause: error })
}

function withLength(text: string) {
  const bytes = Buffer.from(text)
  const whole = Buffer.alloc(LENGTH_BYTES + bytes.length)
  whole.writeInt32BE(bytes.length)
  bytes.copy(whole, LENGTH_BYTES)
  return { encode: () => whole }
}

const WITHOUT_LENGTH = {
  decode: (raw: Buffer) => raw.subarray(LENGTH_BYTES),
  parse: (data: Buffer) => data,
}

/** `{"status":"invalid_token","scope":…}`, of which nothing else is shown. */
function statusIn(problem: Buffer): string {
  const [, status] = /"status"\s*:\s*"([\w .-]{1,80})"/.exec(problem.toString('utf8')) ?? []
  return status ?? 'the broker gives no reason'
}

/** By the clock of the broker, which may differ from this one: so it is a hint only. */
function expiredBy(token: string): string {
  const expiryMs = expiryOf(token)
  return expiryMs === null ? '' : `; it is valid until ${new Date(expiryMs).toISOString()}`
}
