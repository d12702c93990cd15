/** Values that the author's function finds, by requests of its own. */
import type { Stream } from '#shared/declaration/compile.ts'
import { JSON_BODY } from '#shared/declaration/decode.ts'
import type { DiscoverFunction } from '#shared/declaration/discovery.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { createAuthorRequests } from '../pages/author-requests.ts'
import { firstRequest } from '../pages/first-request.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { DiscoveryTools } from './discovery-tools.ts'
import { wrongValues } from './wrong-values.ts'

const PATH_HINT = 'name a path or a url: request({ path: "/accounts" })'

/** Not checked: the function may return anything. */
export async function byFunction(
  { stream, baseUrl, send }: DiscoveryTools,
  values: DiscoverFunction,
  stop: Stop,
): Promise<unknown> {
  const asked = createAuthorRequests({
    ...{ stream, send, stop, decode: JSON_BODY },
    own({ path, url }) {
      if (path === undefined && url === undefined)
        throw wrongValues(stream, 'makes a request without a path', PATH_HINT)
      return firstRequest(bare(stream, path ?? '/'), baseUrl, 0, null)
    },
    wrong: (what) => wrongValues(stream, what),
  })
  stop.soft.throwIfAborted()
  try {
    return await values({ request: asked.request })
  } catch (error) {
    // An error of the client decides what the run does; any other error is a mistake in the author's function.
    if (asked.failed(error) || error instanceof Stopped || stop.soft.aborted) throw error
    throw wrongValues(stream, `throws: ${messageOf(error)}`)
  }
}

/** The source's own address and headers, without the stream's request. */
const bare = (stream: Stream, path: string): Stream => ({
  ...stream,
  ...{
    method: 'GET',
    path,
    params: {},
    headers: {},
    body: undefined,
    form: undefined,
    paginate: { kind: 'none' },
    watermark: null,
    partitions: [{}],
  },
})
