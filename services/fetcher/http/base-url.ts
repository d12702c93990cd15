/**
 * The address of a source with its setting resolved. Guarantees an http(s) URL without user information, query and
 * fragment.
 */
import type { Resolver } from '#shared/config/config.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'

/** Throws WrongUse, naming the source and the setting. */
export function baseUrlOf(source: Source, resolver: Resolver): string {
  const text = typeof source.baseUrl === 'string' ? source.baseUrl : resolver.setting(source.baseUrl)
  const from = typeof source.baseUrl === 'string' ? 'baseUrl' : source.baseUrl.name
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw wrong(
      `${source.name}: ${from} is "${redactUrl(text)}", no http or https URL`,
      'write it with its scheme, e.g. https://api.shop.example',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong(
      `${source.name}: ${from} contains a user name or a password`,
      "remove them and declare auth: basic({ username, password: secret('NAME') })",
    )
  }
  if (url.search !== '' || url.hash !== '')
    throw wrong(`${source.name}: ${from} has a query or a fragment`, 'move parameters into params of the stream')
  return url.href
}

const wrong = (message: string, hint: string): WrongUse => new WrongUse('HR_BASE_URL', message, { hint })
