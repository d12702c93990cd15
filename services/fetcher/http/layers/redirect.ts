/**
 * Follows a redirect inside one origin, a few times, keeping method and body. Lies outside the authorize layer, so each
 * hop gets fresh credentials, and inside the retry layer. A file may be at another origin, if the declaration names it.
 * Every other redirect is a refusal that names its target: a person decides whether that is the API.
 */
import type { Source } from '#shared/declaration/compile.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { describeRequest, secretParamsOf } from '../describe.ts'
import { PageRefused } from '../errors.ts'
import type { Layer, PageRequest, PageResponse } from '../messages.ts'
import { withoutParams } from '../query.ts'
import { signedUrl } from '../signed-urls.ts'

const REDIRECTS_MAX = 3
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
/** The other codes may turn a POST into a GET (RFC 9110 section 15.4), which is another request. */
const KEEP_METHOD: readonly number[] = [307, 308]

/** `conceal`: a Location may repeat credentials, and it is shown and stored. */
export function redirect(source: Source, conceal: (url: URL) => URL): Layer {
  return (next) => async (request, given) => {
    let at = request
    let exchange = given
    for (let hops = 0; ; hops++) {
      const response = await next(at, exchange)
      if (!REDIRECTS.includes(response.status) || response.verdict?.declared === true) return response
      const { file } = exchange
      if (file !== undefined && at.method === 'GET' && hops < REDIRECTS_MAX) {
        // The next layer refuses an origin that the declaration does not name.
        const found = signedUrl(locationOf(source, at, response))
        at = { ...at, url: found.url }
        exchange = { ...exchange, file: { ...file, query: found.query } }
        continue
      }
      const target = conceal(withoutParams(locationOf(source, at, response), secretParamsOf(source)))
      const followed =
        target.protocol === at.url.protocol &&
        target.origin === at.url.origin &&
        (at.method === 'GET' || KEEP_METHOD.includes(response.status))
      if (!followed || hops >= REDIRECTS_MAX) throw refusedRedirect(source, request, response.status, target, hops)
      at = { ...at, url: target }
    }
  }
}

function locationOf(source: Source, request: PageRequest, response: PageResponse): URL {
  const location = response.headers.location
  if (location === undefined || !URL.canParse(location, request.url.href)) {
    throw new PageRefused(
      response.status,
      '',
      `${describeRequest(source, request)} is redirected (${response.status}) to nowhere`,
    )
  }
  return new URL(location, request.url)
}

function refusedRedirect(source: Source, request: PageRequest, status: number, target: URL, hops: number): PageRefused {
  const where = redactUrl(target, secretParamsOf(source))
  const often = hops >= REDIRECTS_MAX ? ` for the ${hops + 1}th time` : ''
  return new PageRefused(
    status,
    '',
    `${describeRequest(source, request)} is redirected (${status})${often} to ${where}`,
    {
      hint:
        'only redirects inside one origin that keep the method are followed: ' +
        'put the final address into baseUrl and path',
    },
  )
}
