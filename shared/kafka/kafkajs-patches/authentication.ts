/**
 * Logins that last as long as a broker says (KIP-368). Without this patch, the package has these faults.
 * - It renews a session ten seconds before its end. A session that is not longer than that is renewed at each request,
 *   which the broker refuses.
 * - Of a listener that has other mechanisms, it does not say which.
 */
import { internal, type Long, privateSymbol } from './internals.ts'

type Connection = {
  authenticatedAt: unknown
  sessionLifetime: Long
  reauthenticationThreshold: number
} & Record<symbol, () => boolean>
type Handshake = { errorCode: number; enabledMechanisms: string[] }
type HandshakeResponse = { parse(data: Handshake): Promise<Handshake> }
type Errors = { KafkaJSSASLAuthenticationError: new (message: string) => Error }

/** Brokers count a session from the same moment; requests under way need some time. */
const THRESHOLD_MS = 10_000
const THRESHOLD_SHARE = 0.1
const UNSUPPORTED_SASL_MECHANISM = 33
const VERSIONS = [0, 1]

export function patchAuthentication(): void {
  const { prototype } = internal<{ prototype: Connection }>('network/connection.js')
  const symbol = privateSymbol(prototype, 'private:Connection:shouldReauthenticate')
  const shouldReauthenticate = prototype[symbol]!
  prototype[symbol] = function (this: Connection) {
    const lifeMs = Number(this.sessionLifetime.toString())
    this.reauthenticationThreshold = Math.floor(Math.min(THRESHOLD_MS, lifeMs * THRESHOLD_SHARE))
    return shouldReauthenticate.call(this)
  }

  const { KafkaJSSASLAuthenticationError } = internal<Errors>('errors.js')
  for (const version of VERSIONS) {
    const response = internal<HandshakeResponse>(`protocol/requests/saslHandshake/v${version}/response.js`)
    const { parse } = response
    response.parse = async (data) => {
      if (data.errorCode !== UNSUPPORTED_SASL_MECHANISM) return parse(data)
      const offered = data.enabledMechanisms.join(', ')
      throw new KafkaJSSASLAuthenticationError(`this listener has other mechanisms: ${offered}`)
    }
  }
}
