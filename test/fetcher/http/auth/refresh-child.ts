/**
 * A worker that asks for one page with a refreshed token, for tests that start two at once or kill one. It waits for a
 * line on standard input before it begins, and dies as DIE says: `stored` kills it when the new token is in the store
 * and nothing has used it.
 */
import { once } from 'node:events'
import { systemClock } from '#shared/clock.ts'
import { refreshTokenSpec } from '#shared/declaration/auth/grants.ts'
import { explain } from '#shared/errors.ts'
import { liveSecrets } from '../../../../services/fetcher/http/auth/live-secrets.ts'
import { refreshTokenCredentials } from '../../../../services/fetcher/http/auth/oauth2-refresh-token.ts'
import { fileTokenStore } from '../../../../services/fetcher/http/auth/tokens/file-token-store.ts'
import { createHttp } from '../../../../services/fetcher/http/transport/undici.ts'

const { URL_OF_API = '', DIR = '', FIRST = '', DIE = '' } = process.env
const files = fileTokenStore(DIR, systemClock)
let written = 0
const dying = {
  ...files,
  async write(key: string, value: string) {
    await files.write(key, value)
    // The first time, room is made for the token that is to come.
    written += 1
    if (written === 2) process.kill(process.pid, 'SIGKILL')
  },
}
const http = createHttp({ bodyBytesMax: 100_000, timeoutMs: 60_000 })
const resolver = { secret: () => FIRST, setting: ({ fallback }: { fallback: string }) => fallback, tokensDir: DIR }
const credentials = refreshTokenCredentials(
  refreshTokenSpec.parse({
    kind: 'oauth2-refresh-token',
    tokenUrl: '/token',
    clientId: 'client',
    refreshToken: { kind: 'secret', name: 'FIRST' },
    credentialsIn: 'header',
    extra: {},
    store: DIE === 'stored' ? dying : undefined,
  }),
  { name: 'shop', file: 'shop.ts', attemptsMax: 1, waitMax: 1000, timeout: 20_000 },
  URL_OF_API,
  {
    ask: http.ask,
    clock: systemClock,
    resolver,
    secrets: liveSecrets({ resolver, clock: systemClock }),
    onToken: () => undefined,
  },
)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
try {
  const page = { method: 'GET' as const, url: new URL('/orders', URL_OF_API), headers: {}, body: undefined }
  const { request } = await credentials.apply(page, new AbortController().signal)
  const { status } = await http.ask({ ...request, body: undefined }, new AbortController().signal)
  process.stdout.write(`${status}\n`)
} catch (error) {
  process.stdout.write(`${explain(error)}\n`)
}
await credentials.close()
await http.close()
process.stdin.destroy()
