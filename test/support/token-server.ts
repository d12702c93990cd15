/**
 * An OAuth 2.0 server for brokers and their clients: a token endpoint for client credentials, and the keys that its
 * tokens are verified by (RFC 7517). Tokens are JWTs (RS256) of a short life.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Closes } from './processes.ts'

export type TokenServer = {
  /** Of the endpoint, and of the keys. */
  tokenUrl: string
  keysUrl: string
  /** A token for the user, as the endpoint gives it. */
  token(user: string, lifeMs?: number): string
  /** Users that were given a token by the endpoint, one entry each time. */
  given: string[]
}

export const AUDIENCE = 'kafka-of-the-test'
export const ISSUER = 'https://login.test.example'
const KEY_BITS = 2048

/** `clients`: id to secret. The user of a token is the client's id. */
export async function startTokenServer(
  closes: Closes,
  clients: Readonly<Record<string, string>>,
  tokenLifeMs: number,
): Promise<TokenServer> {
  const pair = generateKeyPairSync('rsa', { modulusLength: KEY_BITS })
  const kid = createHash('sha256')
    .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  const keys = [{ ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }]
  const given: string[] = []
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  function token(user: string, lifeMs = tokenLifeMs): string {
    const now = Date.now() / 1000
    const claims = { sub: user, aud: AUDIENCE, iss: ISSUER, iat: now, exp: now + lifeMs / 1000, scope: 'kafka' }
    const text = `${part({ alg: 'RS256', typ: 'JWT', kid })}.${part(claims)}`
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), pair.privateKey).toString('base64url')}`
  }

  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const answer = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url === '/keys') return answer(200, { keys })
    const login = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString('utf8')
    const [id = '', secret = ''] = login.split(':')
    // RFC 6749 section 2.3.1: both are form-encoded.
    const isKnown = secret !== '' && clients[id] === decodeURIComponent(secret.replaceAll('+', ' '))
    if (!isKnown || new URLSearchParams(body).get('grant_type') !== 'client_credentials')
      return answer(401, { error: 'invalid_client', error_description: 'no such client' })
    given.push(id)
    return answer(200, { access_token: token(id), token_type: 'Bearer', expires_in: tokenLifeMs / 1000 })
  })
  closes.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { tokenUrl: `${url}/token`, keysUrl: `${url}/keys`, token, given }
}
