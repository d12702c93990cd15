import { rootCertificates } from 'node:tls'

/**
 * The TLS option `ca` for an authority (PEM) besides the public ones: Node trusts nothing but `ca` where that is given.
 * Nothing where there is no authority.
 */
export const trustedAuthorities = (ca: string | undefined): { ca?: string[] } =>
  ca === undefined ? {} : { ca: [...rootCertificates, ca] }
