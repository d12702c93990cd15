/**
 * A small API for tests, on a real HTTP server: records in memory, asked by watermark and walked by cursor, that a test
 * changes while it is being walked. It remembers every request for records and what it answered, and a script may
 * answer in its place. The cursor names the last record that was handed out, so records that come or go meanwhile move
 * nothing out of sight.
 */
import type { TestContext } from 'node:test'
import { type Answer, type Asked, startServer } from './http.ts'

export type ApiRecord = { id: string; updated_at: string; [field: string]: unknown }

export type ApiOptions = {
  pageSize?: number
  /** In the order of `updated_at` (default), or of their coming. */
  sorted?: boolean
  /** Leave out records that are equal to `since`. */
  exclusive?: boolean
  /** Life of a token in seconds; without it, nobody is asked for one. */
  tokenSeconds?: number
  /**
   * Answers in the API's place, when it returns something; `number` counts requests for records from 1. May change the
   * records.
   */
  script?(request: ApiRequest, number: number): Answer | undefined | Promise<Answer | undefined>
}

export type ApiRequest = {
  atMs: number
  since: string | null
  cursor: string | null
  /** The other parameters. */
  values: Record<string, string>
}
export type ApiLogEntry = ApiRequest & { status: number; ids: string[] }

export type Api = {
  url: string
  /** Requests for records, with what was answered. */
  log: ApiLogEntry[]
  tokens: number
  /** Adds records or replaces those of the same id. */
  put(...records: ApiRecord[]): void
  remove(id: string): void
  /** Replaces the script; undefined takes it away. */
  script: ApiOptions['script'] | undefined
  /** Forgets the log, and starts the script's numbers anew. */
  forget(): void
}

type Kept = { record: ApiRecord; seq: number }

/**
 * Records at `/orders` (`until`: those before), tokens at `/oauth/token` (client "client", secret "s3cret"). Closes
 * with the test.
 */
export async function startApi(t: TestContext | null, options: ApiOptions = {}): Promise<Api> {
  const { pageSize = 100, sorted = true, exclusive = false } = options
  const kept = new Map<string, Kept>()
  let lastSeq = 0
  const lives = new Map<string, number>()

  /** What comes behind what: by time and then by id, or in the order of coming. */
  const placeOf = ({ record, seq }: Kept): Place => [sorted ? Date.parse(record.updated_at) : seq, record.id]

  const isSince = ({ updated_at }: ApiRecord, ms: number) =>
    exclusive ? Date.parse(updated_at) > ms : Date.parse(updated_at) >= ms

  function pageAfter({ since, cursor, values }: ApiRequest): { data: ApiRecord[]; next: string | null } {
    const after = cursor === null ? null : (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Place)
    const asked = Object.entries(values).filter(([name]) => name !== 'limit')
    const found = [...kept.values()]
      .filter(({ record }) => since === null || isSince(record, Date.parse(since)))
      .filter(({ record }) => values.until === undefined || Date.parse(record.updated_at) < Date.parse(values.until))
      .filter(({ record }) => asked.every(([name, value]) => !(name in record) || String(record[name]) === value))
      .sort((a, b) => compare(placeOf(a), placeOf(b)))
      .filter((each) => after === null || compare(placeOf(each), after) > 0)
    const page = found.slice(0, pageSize)
    const last = page.at(-1)
    const next =
      found.length <= page.length || last === undefined
        ? null
        : Buffer.from(JSON.stringify(placeOf(last))).toString('base64url')
    return { data: page.map(({ record }) => record), next }
  }

  function token(asked: Asked): Answer {
    if (asked.headers.authorization !== `Basic ${Buffer.from('client:s3cret').toString('base64')}`)
      return { status: 401, json: {} }
    api.tokens += 1
    const access_token = `token-${api.tokens}`
    lives.set(access_token, asked.atMs + (options.tokenSeconds ?? 0) * 1000)
    return { json: { access_token, token_type: 'Bearer', expires_in: options.tokenSeconds } }
  }

  function isAllowed(asked: Asked): boolean {
    if (options.tokenSeconds === undefined) return true
    return (lives.get(asked.headers.authorization?.replace(/^Bearer /, '') ?? '') ?? 0) > asked.atMs
  }

  async function records(asked: Asked): Promise<Answer> {
    const { since = null, cursor = null, ...values } = Object.fromEntries(asked.query)
    const entry: ApiLogEntry = { atMs: asked.atMs, since, cursor, values, status: 200, ids: [] }
    api.log.push(entry)
    const answer = isAllowed(asked)
      ? ((await api.script?.(entry, api.log.length)) ?? null)
      : { status: 401, json: { error: 'no valid token' } }
    if (answer !== null) {
      entry.status = answer.status ?? 200
      return answer
    }
    const { data, next } = pageAfter(entry)
    entry.ids = data.map(({ id }) => id)
    return { json: { data, next } }
  }

  const server = await startServer(t, (asked) => (asked.path === '/oauth/token' ? token(asked) : records(asked)))
  const api: Api = {
    url: server.url,
    log: [],
    tokens: 0,
    script: options.script,
    put(...changed) {
      for (const record of changed) kept.set(record.id, { record, seq: kept.get(record.id)?.seq ?? ++lastSeq })
    },
    remove: (id) => kept.delete(id),
    forget() {
      api.log = []
    },
  }
  return api
}

type Place = [order: number, id: string]

const compare = (a: Place, b: Place): number => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)
