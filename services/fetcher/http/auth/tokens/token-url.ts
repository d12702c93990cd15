/** The address of a token endpoint with its settings resolved. Only the declaration and the environment decide it. */
import type { Resolver } from '#shared/config/config.ts'
import { isTokenUrl, type TokenUrl } from '#shared/declaration/auth/token-request.ts'
import type { TextValue } from '#shared/declaration/auth/value.ts'
import { WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'

/** Inside a URL, a setting fills a name: one that holds a slash or an @ would lead to another host. */
const NAME = /^[\w.~-]+$/

/** Throws WrongUse (HR_TOKEN_URL), naming the source. */
export function tokenUrlOf(
  declared: TokenUrl,
  source: { name: string },
  baseUrl: string,
  resolver: Pick<Resolver, 'setting'>,
  field = 'tokenUrl',
): URL {
  const refuse = (what: string, hint: string) =>
    new WrongUse('HR_TOKEN_URL', `${source.name}: ${field} ${what}`, { hint })
  const given = textOf(declared, resolver, (name) =>
    refuse(
      `takes ${name}, whose value is not a name`,
      `give ${name} letters, digits, points and dashes only, or make it the whole address`,
    ),
  )
  // A text that leads to another origin without a scheme is not an address that a person meant.
  if (isTokenUrl(given) && URL.canParse(given, baseUrl)) return new URL(given, baseUrl)
  throw refuse(
    `"${redactUrl(given)}" is not the address of a token endpoint`,
    'write it whole, http or https and without user name and password, or as a path below baseUrl',
  )
}

function textOf(value: TextValue, resolver: Pick<Resolver, 'setting'>, refuse: (name: string) => WrongUse): string {
  if (typeof value === 'string') return value
  if (value.kind === 'setting') return resolver.setting(value)
  // The declaration refuses a secret in a URL.
  if (value.kind === 'secret') throw refuse(value.name)
  return value.parts
    .map((part, index) => {
      const text = textOf(part, resolver, refuse)
      if (typeof part === 'string' || index === 0 || NAME.test(text)) return text
      throw refuse('name' in part ? part.name : 'a part')
    })
    .join('')
}
