/**
 * Origins that files of an export may come from. A pattern stands for hosts that differ from file to file, as storage
 * services have them. Credentials are sent to none of these.
 */
import { z } from 'zod'

const ANY_HOST = 'https://*'
const SUBDOMAINS = /^(https?:\/\/)\*\.(.+)$/

const isWholeOrigin = (text: string): boolean =>
  /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text

/** `https://*.files.example` is every host below files.example, `https://*` every host with TLS. */
const isOriginPattern = (text: string): boolean => text === ANY_HOST || isWholeOrigin(text.replace(SUBDOMAINS, '$1$2'))

export const originPattern = z
  .string()
  .refine(
    isOriginPattern,
    'expected an origin such as https://files.example, or a pattern: https://*.files.example, https://*',
  )

export function matchesOrigin(pattern: string, { protocol, host, origin }: URL): boolean {
  if (pattern === ANY_HOST) return protocol === 'https:'
  const [, scheme, domain] = SUBDOMAINS.exec(pattern) ?? []
  return domain === undefined ? origin === pattern : scheme === `${protocol}//` && host.endsWith(`.${domain}`)
}
