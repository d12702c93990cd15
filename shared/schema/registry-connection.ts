/** How the registry is reached: over TLS with an authority or a client certificate of its own, where they are given. */
import type { Agent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Pems } from '../tls/pems.ts'
import { trustedAuthorities } from '../trusted-authorities.ts'

/** Undefined: the connections of Node, with the public authorities. */
export function registryAgent(tls: Pems | undefined): Agent | undefined {
  if (tls === undefined) return undefined
  const { ca, ...certificate } = tls
  return new HttpsAgent({ ...certificate, ...trustedAuthorities(ca) })
}
