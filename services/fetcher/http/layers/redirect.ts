/**
 * Follows a redirect inside one origin, a few times, keeping method and body. Lies outside the authorize layer, so each
 * hop gets fresh credentials, and inside the retry layer. Every other redirect is a refusal that names its target: a
 * person decides whether that is the API.
 */
import type { Source } from '#shared/declaration/compile.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { describeRequest, secretParamsOf } from '../describe.ts'
import { PageRefused } from '../errors.ts'
import type { Layer, PageRequest, PageResponse } from '../messages.ts'
import { withoutParams } from '../query.ts'

const REDIRECTS_MAX = 3
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
/** The other codes may turn a POST into a GET (RFC 9110 section 15.4), which is another request. */
const KEEP_METHOD: readonly number[] = [307, 308]

/** `conceal`: a Location may repeat credentials, and it is shown and stored. */
export function redirect(source: Source, conceal: (url: URL) => URL): Layer {
  return (next) => async (request, exchange) => {
    let at = request
    for (let hops = 0; ; hops++) {
      const response = await next(at, exchange)
      if (!REDIRECTS.includes(response.status) || response.verdict?.declared === true) return response
      const target = conceal(targetOf(source, at, response))
      const followed =
        target.protocol === at.url.protocol &&
        target.origin === at.url.origin &&
        (at.method === 'GET' || KEEP_METHOD.includes(response.status))
      if (!followed || hops >= REDIRECTS_MAX) throw refusedRedirect(source, request, response.status, target, hops)
      at = { ...at, url: target }
    }
  }
}

function targetOf(source: Source, request: PageRequest, response: PageResponse): URL {
  const location = response.headers.location
  if (location === undefined || !URL.canParse(location, request.url.href)) {
    throw new PageRefused(
      response.status,
      '',
      `${describeRequest(source, request)} is redirected (${response.status}) to nowhere`,
    )
  }
  return withoutParams(new URL(location, request.url), secretParamsOf(source))
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
