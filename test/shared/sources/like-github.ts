/**
 * A server that behaves like GitHub's list of issues: by change, with a cursor in its links, and a count of requests
 * that each answer tells of.
 */
import type { FastClock } from '../../support/clocks.ts'
import type { Answer, Asked } from '../../support/http.ts'
import type { Row } from './running.ts'

export const GITHUB_TOKEN = 'ghp-t0ken'

export type Kept = { id: number; title: string; state: string; updated_at: string; pull: boolean }

export const START_MS = Date.UTC(2026, 5, 1)
const REPOSITORY = '/repos/octocat/Hello-World'
/** Fewer requests in a shorter time than the API's 5,000 an hour, so that the walk comes to the end of them. */
const LIMIT = 3
const WINDOW_MS = 120_000

export const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
const placeOf = ({ updated_at, id }: Kept): string => `${updated_at} ${String(id).padStart(6, '0')}`

/**
 * Lists by change with a cursor in its links, counts requests, and tells what is left of them. `refused` counts what
 * came too often.
 */
export function likeGithub(issues: Map<number, Kept>, clock: FastClock, onAsked: (nowMs: number) => void) {
  const window = { endMs: 0, used: 0 }
  const seen = { refused: 0, sinces: [] as (string | null)[] }

  function script({ path, query, headers }: Asked): Answer {
    if (headers.authorization !== `Bearer ${GITHUB_TOKEN}`) return { status: 401, json: { message: 'Bad credentials' } }
    if (headers['x-github-api-version'] !== '2022-11-28' || headers['user-agent'] === undefined) return { status: 400 }
    const nowMs = clock.nowMs()
    if (nowMs >= window.endMs) Object.assign(window, { endMs: nowMs + WINDOW_MS, used: 0 })
    window.used += 1
    const limits = {
      date: new Date(nowMs).toUTCString(),
      'x-ratelimit-limit': LIMIT,
      'x-ratelimit-remaining': Math.max(0, LIMIT - window.used),
      'x-ratelimit-reset': Math.ceil(window.endMs / 1000),
    }
    if (window.used > LIMIT) {
      seen.refused += 1
      return { status: 403, headers: limits, json: { message: 'API rate limit exceeded' } }
    }
    if (![`${REPOSITORY}/issues`, '/repositories/1296269/issues'].includes(path))
      return { status: 404, headers: limits }
    if (query.get('sort') !== 'updated' || query.get('direction') !== 'asc' || query.get('state') !== 'all')
      return { status: 422 }
    const size = Number(query.get('per_page'))
    const [since, after] = [query.get('since'), query.get('after')]
    if (after === null) seen.sinces.push(since)
    // Before and after the page is made: issues change in the very second of its last one too.
    onAsked(nowMs)
    const found = [...issues.values()]
      .filter((issue) => since === null || issue.updated_at > since)
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
      .filter((issue) => after === null || placeOf(issue) > Buffer.from(after, 'base64').toString())
    const page = found.slice(0, size)
    const last = page.at(-1)
    const next = new URLSearchParams(query)
    if (last !== undefined) next.set('after', Buffer.from(placeOf(last)).toString('base64'))
    const link = `<http://${headers.host}/repositories/1296269/issues?${next}>; rel="next"`
    onAsked(nowMs)
    return { headers: { ...limits, ...(found.length > page.length ? { link } : {}) }, json: page.map(rawOf) }
  }
  return { script, seen }
}

const rawOf = ({ pull, ...issue }: Kept): Row => ({
  ...issue,
  number: issue.id,
  body: null,
  state_reason: null,
  user: { login: 'someone' },
  author_association: 'NONE',
  labels: [],
  assignees: [],
  milestone: null,
  comments: 0,
  locked: false,
  active_lock_reason: null,
  created_at: '2026-01-01T00:00:00Z',
  closed_at: null,
  html_url: `https://github.example/${issue.id}`,
  ...(pull ? { pull_request: {} } : {}),
})
