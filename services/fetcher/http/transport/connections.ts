/**
 * The connections of one source: kept alive, bounded for each origin, through its proxy and with its TLS settings. The
 * client certificate is shown to its own origins only, as any other credential.
 */
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import type { Proxies } from '#shared/config/config.ts'
import { messageOf } from '#shared/errors.ts'
import { trustedAuthorities } from '#shared/trusted-authorities.ts'

/** Per origin. Concurrent partitions and the source's quota bound it further. */
const CONNECTIONS_MAX = 32
const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000

/** How requests travel. Holds secrets: the proxies' logins and the client's key. */
export type Network = {
  /** Addresses of proxies with their logins, and the hosts that are asked directly; empty where there are none. */
  proxies: Proxies
  /** PEM. */
  ca: string | undefined
  /** PEM, with the origins that may see it. */
  client: { cert: string; key: string; passphrase: string | undefined; origins: readonly string[] } | null
  http2: boolean
}

/** No proxy, public authorities only, HTTP/1.1. */
export const PLAIN_NETWORK: Network = {
  proxies: { http: '', https: '', none: '' },
  ca: undefined,
  client: null,
  http2: false,
}

export type Connections = { to(url: URL): Dispatcher; destroy(): Promise<void> }

export function connectionsOf(network: Network): Connections {
  const { client } = network
  const common = dispatcherFor(network, null)
  if (client === null) return { to: () => common, destroy: () => common.destroy() }
  const certified = dispatcherFor(network, client)
  return {
    to: ({ origin }) => (client.origins.includes(origin) ? certified : common),
    destroy: async () => void (await Promise.all([common.destroy(), certified.destroy()])),
  }
}

function dispatcherFor({ proxies, ca, http2 }: Network, client: Network['client']): Dispatcher {
  // A token endpoint may have a public certificate.
  const authorities = trustedAuthorities(ca)
  const certificate =
    client === null
      ? {}
      : {
          cert: client.cert,
          key: client.key,
          ...(client.passphrase === undefined ? {} : { passphrase: client.passphrase }),
        }
  const tls = { timeout: CONNECT_TIMEOUT_MS, ...authorities, ...certificate }
  const pool = {
    connections: CONNECTIONS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Time is bounded by the timeout layer, over headers and body together.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: http2,
  }
  if (proxies.http === '' && proxies.https === '') return new Agent({ ...pool, connect: tls })
  return new EnvHttpProxyAgent({
    ...pool,
    connect: tls,
    requestTls: tls,
    proxyTls: { timeout: CONNECT_TIMEOUT_MS, ...authorities },
    httpProxy: proxies.http,
    httpsProxy: proxies.https === '' ? proxies.http : proxies.https,
    noProxy: proxies.none,
    // A forwarded request would have the pool's own timeouts otherwise.
    factory: (origin, options) => new Pool(origin, { ...options, ...pool }),
  })
}

const UNKNOWN_AUTHORITY = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

/** Says what to declare where that is known. Never holds a proxy's login. */
export function whyNotConnected(error: unknown): string {
  const message = messageOf(error)
  if (/\b407\b/.test(message)) return 'the proxy asks for a login (407): put user and password into its URL'
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && UNKNOWN_AUTHORITY.includes(code))
    return `${message} (its authority is unknown: declare tls: { ca } with its PEM)`
  return message
}
