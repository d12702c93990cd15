/**
 * One HTTP server for the APIs of a batch, each below its seed: records, tokens, damage to answers. Tells of each
 * request, for who kills by them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { listening } from '../../support/http.ts'
import { type CaseAnswer, createRegionApi, type RegionApi } from './api.ts'
import type { Case } from './case.ts'
import { readRequest } from './wire.ts'

export type BatchServer = {
  url: string
  /** By seed, then by partition. */
  apis: ReadonlyMap<number, readonly RegionApi[]>
  /** From now on nothing changes and nothing fails. */
  calm(): void
  close(): Promise<void>
}

export type Seen = { seed: number; partition: number; request: number; moment: 'asked' | 'answered' }

export async function startBatchServer(
  cases: readonly Case[],
  baseMs: number,
  onSeen: (seen: Seen) => void,
): Promise<BatchServer> {
  let calm = false
  const isCalm = () => calm
  const apis = new Map(
    cases.map((each) => [
      each.seed,
      regionsOf(each).map((_, index) => createRegionApi(each, index, { baseMs, isCalm })),
    ]),
  )
  const tokens = new Map(cases.map((each) => [each.seed, createTokens(each)]))
  const bySeed = new Map(cases.map((each) => [each.seed, each]))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const [, seedText, what] = url.pathname.split('/')
    const seed = Number(seedText)
    const each = bySeed.get(seed)
    const token = tokens.get(seed)
    if (each === undefined || token === undefined) return void response.writeHead(404).end()
    if (what === 'token') return give(response, plainJson(200, token.issue()))
    if (!token.accepts(request.headers.authorization)) return give(response, plainJson(401, { error: 'token ended' }))
    const region = url.searchParams.get('region') ?? 'r0'
    const partition = Number(region.slice(1))
    const api = apis.get(seed)?.[partition]
    if (api === undefined) return void response.writeHead(404).end()
    const at = { seed, partition, request: api.requests() + 1 }
    onSeen({ ...at, moment: 'asked' })
    const text = Buffer.concat(chunks).toString()
    const { headers } = request
    const asked = readRequest(each, { query: url.searchParams, headers, text })
    const given = api.answer({ region, headers, url, ...asked })
    if (each.paceMs > 0) await sleep(each.paceMs)
    give(response, given)
    onSeen({ ...at, moment: 'answered' })
  }

  const { url, close } = await listening(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  )
  return {
    url,
    apis,
    calm: () => {
      calm = true
    },
    close,
  }
}

export const regionsOf = ({ partitions }: Case): string[] =>
  Array.from({ length: partitions }, (_, index) => `r${index}`)

function createTokens({ tokenRequests }: Case) {
  let issued = 0
  let left = 0
  return {
    issue() {
      issued += 1
      left = tokenRequests ?? 0
      return { access_token: `token-${issued}`, token_type: 'Bearer', expires_in: 3600 }
    },
    accepts(authorization: string | undefined): boolean {
      if (tokenRequests === null) return true
      left -= 1
      return authorization === `Bearer token-${issued}` && left >= 0
    },
  }
}

const plainJson = (status: number, body: unknown): CaseAnswer => ({
  status,
  text: JSON.stringify(body),
  headers: {},
  damage: 'none',
})

function give(
  response: ServerResponse,
  { status, headers, text, damage, disguise, gzip, sentShare = 1 }: CaseAnswer,
): void {
  if (damage === 'reset') return void response.socket?.destroy()
  const plain = disguise === 'utf-16le' ? Buffer.from(`\ufeff${text}`, 'utf16le') : Buffer.from(text)
  const bytes = gzip === true ? gzipSync(plain) : plain
  const length = bytes.length + (damage === 'cut' ? 100 : 0)
  const type = disguise === undefined || disguise === 'coding' ? '' : `; charset=${disguise}`
  const coding: Record<string, string> = disguise === 'coding' ? { 'content-encoding': 'UTF-8' } : {}
  response.writeHead(status, {
    ...(status === 304 ? {} : { 'content-length': length }),
    ...coding,
    ...headers,
    'content-type': `${headers['content-type'] ?? 'application/json'}${type}`,
  })
  if (damage === 'none') return void response.end(bytes)
  response.write(bytes.subarray(0, Math.floor(bytes.length * sentShare)), () => response.socket?.destroy())
}
