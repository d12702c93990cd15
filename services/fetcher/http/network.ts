/**
 * How the requests of a source travel, with its settings and secrets resolved: proxy, TLS, HTTP/2. Holds secrets (the
 * proxy's login, the client's key), so it is passed to the transport only and never shown.
 */
import type { Proxies, Resolver } from '#shared/config/config.ts'
import { tokenUrlIn } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { isProxyUrl } from '#shared/declaration/network.ts'
import type { SecretRef, SettingRef } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { tokenUrlOf } from './auth/tokens/token-url.ts'
import { type Network, PLAIN_NETWORK } from './transport/connections.ts'

type Reference = string | SettingRef | SecretRef

/** Throws WrongUse for a missing secret or a wrong address of a proxy; it names the variable, never its value. */
export function networkOf(source: Source, baseUrl: string, resolver: Resolver): Network {
  const { proxy, tls, http2 } = source
  const resolve = (reference: Reference): string => {
    if (typeof reference === 'string') return reference
    return reference.kind === 'secret' ? resolver.secret(reference) : resolver.setting(reference)
  }
  const { cert, key, passphrase } = tls ?? {}
  return {
    proxies:
      proxy === undefined ? checked(resolver.proxies ?? PLAIN_NETWORK.proxies) : declared(source, proxy, resolve),
    ca: tls?.ca === undefined ? undefined : resolve(tls.ca),
    client:
      cert === undefined || key === undefined
        ? null
        : {
            cert: resolve(cert),
            key: resolve(key),
            passphrase: passphrase === undefined ? undefined : resolve(passphrase),
            origins: originsOf(source, baseUrl, resolver),
          },
    http2,
  }
}

/** A declared proxy takes every request: NO_PROXY is about those of the environment. */
function declared(
  source: Source,
  proxy: NonNullable<Source['proxy']>,
  resolve: (reference: Reference) => string,
): Proxies {
  if (proxy === false) return PLAIN_NETWORK.proxies
  const address = resolve(proxy)
  if (!isProxyUrl(address)) throw notProxy(`${source.name}: proxy (${typeof proxy === 'string' ? proxy : proxy.name})`)
  return { http: address, https: address, none: '' }
}

function checked(proxies: Proxies): Proxies {
  if (proxies.http !== '' && !isProxyUrl(proxies.http)) throw notProxy('HTTP_PROXY')
  if (proxies.https !== '' && !isProxyUrl(proxies.https)) throw notProxy('HTTPS_PROXY')
  return proxies
}

const notProxy = (name: string): WrongUse =>
  new WrongUse('HR_PROXY', `${name} is not the http or https URL of a proxy`, {
    hint: 'write it with its scheme, e.g. http://proxy.example:3128; a login goes into the URL: http://user:password@…',
  })

/** Those of baseUrl and of the token endpoint, which may ask for the same certificate (RFC 8705). */
function originsOf(source: Source, baseUrl: string, resolver: Resolver): string[] {
  const tokenUrl = tokenUrlIn(source.auth)
  const own = new URL(baseUrl).origin
  return tokenUrl === null ? [own] : [own, tokenUrlOf(tokenUrl, source, baseUrl, resolver).origin]
}
