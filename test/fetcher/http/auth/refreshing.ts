/** Workers that get their tokens with a refresh token, and what their store and the API's endpoint show of it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { oauth2RefreshToken } from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import type { FastClock } from '../../../support/clocks.ts'
import { clientFor, type Fixture } from '../fixture.ts'
import { FIRST, type Rotating } from './token-endpoint.ts'

const OAUTH = {
  tokenUrl: '/token',
  clientId: secret('SHOP_ID'),
  clientSecret: secret('SHOP_SECRET'),
  refreshToken: secret('SHOP_REFRESH'),
}

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-tokens-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'tokens')
}

type Worker = Fixture & { dir: string }
type WorkerOptions = { dir?: string; auth?: object; first?: string; clock?: FastClock; source?: object }

/** A fetcher's client; a second one on the same folder is another worker, or the same one started anew. */
export function worker(
  t: TestContext,
  api: { url: string },
  { dir = folder(t), auth = {}, first = FIRST, clock, source }: WorkerOptions = {},
): Worker {
  const fixture = clientFor(t, api.url, {
    source: { auth: oauth2RefreshToken({ ...OAUTH, ...auth }), ...source },
    environment: { SHOP_REFRESH: first, HEADRACE_TOKENS_DIR: dir },
    ...(clock === undefined ? {} : { clock }),
  })
  return { ...fixture, dir }
}

/** What the one token file of a folder holds; null for none. */
export function stored(dir: string): Record<string, unknown> | null {
  const [key] = existsSync(dir) ? readdirSync(dir) : []
  const file = join(dir, key ?? '', 'token.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : null
}

export const formOf = (api: Rotating, number: number) =>
  Object.fromEntries(new URLSearchParams(api.refreshes[number]?.body))
export const sentTokens = (api: Rotating) => api.refreshes.map((_, number) => formOf(api, number).refresh_token)
export const accessTokens = (api: Rotating) => api.pages.map(({ headers }) => headers.authorization)
