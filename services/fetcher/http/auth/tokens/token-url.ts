/**
 * The address of a token endpoint with its setting resolved. Only the source's declaration and the environment decide
 * it.
 */
import type { Resolver } from '#shared/config/config.ts'
import type { SettingRef } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact.ts'

/** Throws WrongUse, naming the source. */
export function tokenUrlOf(
  declared: string | SettingRef,
  source: { name: string },
  baseUrl: string,
  resolver: Resolver,
): URL {
  const given = typeof declared === 'string' ? declared : resolver.setting(declared)
  const url = URL.canParse(given, baseUrl) ? new URL(given, baseUrl) : null
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '')
    return url
  throw new WrongUse(
    'HR_TOKEN_URL',
    `${source.name}: tokenUrl "${redactUrl(given)}" is no address of a token endpoint`,
    {
      hint: 'write it whole, http or https and without user name and password, or as a path below baseUrl',
    },
  )
}
