/**
 * What the sample API's tests share: a server with faults off unless a test asks for them, and a client that walks its
 * pages.
 */
import { type SampleApi, type SampleApiOptions, startSampleApi } from '../../services/sample-api/sample-api.ts'

export const CLIENT = { clientId: 'demo', clientSecret: 'a secret: with +/= and ü' }
const PAGES_MAX = 200

export type Page = {
  metadata: { count: number; next_cursor: string | null; generated: number }
  features: { id: string }[]
}

/** Starts the server, hands it to `use` and closes it, whatever happens. */
export async function withApi(
  options: Partial<SampleApiOptions>,
  use: (api: SampleApi) => Promise<void>,
): Promise<void> {
  const quiet = { limit: { requests: 10_000, perMs: 1000 }, failEvery: 0, sharedLimitAt: 0 }
  const api = await startSampleApi({ ...CLIENT, ...quiet, ...options })
  try {
    await use(api)
  } finally {
    await api.close()
  }
}

export const basicOf = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

export function askToken(
  api: SampleApi,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${api.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form), headers })
}

export async function tokenOf(api: SampleApi): Promise<string> {
  const answer = await askToken(
    api,
    { grant_type: 'client_credentials' },
    { authorization: basicOf(CLIENT.clientId, CLIENT.clientSecret) },
  )
  return ((await answer.json()) as { access_token: string }).access_token
}

export function get(api: SampleApi, token: string, query: Record<string, string | number> = {}): Promise<Response> {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  )
  return fetch(`${api.url}/v1/earthquakes?${search}`, { headers: { authorization: `Bearer ${token}` } })
}

export async function getPage(api: SampleApi, token: string, query: Record<string, string | number>): Promise<Page> {
  const answer = await get(api, token, query)
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Page
}

/** Every page of a query. */
export async function walk(api: SampleApi, token: string, query: Record<string, string | number>): Promise<Page[]> {
  const pages: Page[] = []
  let cursor: string | null = null
  while (pages.length < PAGES_MAX) {
    const page: Page = await getPage(api, token, cursor === null ? query : { ...query, cursor })
    pages.push(page)
    cursor = page.metadata.next_cursor
    if (cursor === null) return pages
  }
  throw new Error(`the walk did not end within ${PAGES_MAX} pages`)
}
