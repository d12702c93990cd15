/**
 * An API with a token endpoint that hands out refresh tokens anew, as strict ones do: each is good once, and one that
 * comes a second time revokes everything that followed from it (RFC 9700 section 4.14.2). Every token holds CANARY, for
 * tests that look for it where it must not be.
 */
import { type Answer, type Asked, startServer, type TestServer } from '../../../support/http.ts'

export const CANARY = 'c4nary'
export const FIRST = `${CANARY}-refresh-0`

export type Rotating = TestServer & {
  /** Token requests, those that were refused included. */
  refreshes: Asked[]
  pages: Asked[]
  /** A refresh token came a second time. */
  revoked(): boolean
  /** The refresh token that is good now. */
  current(): string
}

export type RotatingOptions = {
  lifeSeconds?: number
  /** False: one refresh token for ever, and none in the answer. */
  rotates?: boolean
  /** Answers in the endpoint's place, before it has changed anything. `number` counts from 1. */
  before?(number: number, asked: Asked): Answer | null | Promise<Answer | null>
  /** True: the API does not accept this access token. */
  refuses?(token: string): boolean
  onPage?(asked: Asked): void | Promise<void>
}

type Closes = Parameters<typeof startServer>[0]

export async function startRotating(t: Closes, options: RotatingOptions = {}): Promise<Rotating> {
  const { lifeSeconds = 3600, rotates = true } = options
  const refreshes: Asked[] = []
  const pages: Asked[] = []
  const used = new Set<string>()
  let current = FIRST
  let issued = 0
  let isRevoked = false

  function refresh(asked: Asked): Answer {
    const given = new URLSearchParams(asked.body).get('refresh_token') ?? ''
    if (used.has(given)) isRevoked = true
    if (isRevoked || given !== current) {
      return {
        status: 400,
        json: { error: 'invalid_grant', error_description: `${given} is not good (${encodeURIComponent(given)})` },
      }
    }
    issued += 1
    if (rotates) {
      used.add(given)
      current = `${CANARY}-refresh-${issued}`
    }
    const token = { access_token: `${CANARY}-access-${issued}`, token_type: 'bearer', expires_in: lifeSeconds }
    return { json: rotates ? { ...token, refresh_token: current } : token }
  }

  const server = await startServer(t, async (asked) => {
    if (asked.path === '/token') {
      refreshes.push(asked)
      return (await options.before?.(refreshes.length, asked)) ?? refresh(asked)
    }
    pages.push(asked)
    await options.onPage?.(asked)
    const token = asked.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (!token.startsWith(`${CANARY}-access-`) || options.refuses?.(token) === true)
      return { status: 401, body: `who is ${token}?` }
    return { json: { data: [], next: null } }
  })
  return { ...server, refreshes, pages, revoked: () => isRevoked, current: () => current }
}
