/**
 * A server that behaves like the search of Jira Cloud. JQL has minutes in the zone of the user, and needs a bound. A
 * page has fewer issues than asked for, and a token for the next one, which the last page lacks. 429 has Retry-After.
 * https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
 */
import type { Answer, Asked } from '../../support/http.ts'
import { basicOf, createLimit, type Hook, isAfter, type Vendor } from './vendor.ts'

export type Issue = { id: string; key: string; summary: string; status: string; updatedMs: number }
export const JIRA = { user: 'agent@shop.example', token: 'jira-t0ken' }

const PAGE_ISSUES = 20
const JQL = /^project = OPS AND updated >= "(\d{4}-\d\d-\d\d) (\d\d:\d\d)" ORDER BY updated ASC$/

type Search = { jql: string; fields: string[]; maxResults: number; nextPageToken?: string }

/** `isFound`: whether the index has the issue yet. */
export function likeJira(issues: Map<string, Issue>, isFound: (issue: Issue) => boolean): Vendor {
  const complaints: string[] = []
  const limit = createLimit('jira', complaints)
  let asked = 0
  const hooks: Hook[] = []

  async function script({ method, headers, path, body }: Asked): Promise<Answer> {
    if (headers.authorization !== basicOf(JIRA.user, JIRA.token)) return { status: 401, json: refusal('Unauthorized') }
    if (method !== 'POST' || path !== '/rest/api/3/search/jql') return { status: 404, json: refusal('Not found') }
    asked += 1
    const refused = limit.check(Date.now(), asked === 2)
    if (refused !== null) return refused
    const { jql, fields, maxResults, nextPageToken } = JSON.parse(body) as Search
    const [, day, minute] = JQL.exec(jql) ?? []
    if (day === undefined) return { status: 400, json: refusal('Unbounded JQL queries are not allowed here.') }
    if (maxResults > 5_000 || fields.length === 0) return { status: 400, json: refusal('maxResults, fields') }
    for (const hook of hooks) await hook(asked)
    const from = Date.parse(`${day}T${minute}:00Z`)
    const after =
      nextPageToken === undefined ? ([from - 1, '~'] as const) : (JSON.parse(atob(nextPageToken)) as [number, string])
    const found = [...issues.values()]
      .filter((issue) => isFound(issue) && issue.updatedMs >= from && isAfter(placeOf(issue), after))
      .sort((a, b) => (isAfter(placeOf(a), placeOf(b)) ? 1 : -1))
    const page = found.slice(0, Math.min(PAGE_ISSUES, maxResults))
    const last = page.at(-1)
    const isLast = page.length === found.length || last === undefined
    return {
      json: {
        issues: page.map(rawOf),
        isLast,
        ...(isLast ? {} : { nextPageToken: btoa(JSON.stringify(placeOf(last))) }),
      },
    }
  }

  return { script, complaints, onAsked: (hook) => void hooks.push(hook) }
}

const refusal = (message: string) => ({ errorMessages: [message], errors: {} })
const placeOf = ({ updatedMs, id }: Issue): [number, string] => [updatedMs, id]

const rawOf = ({ id, key, summary, status, updatedMs }: Issue) => ({
  id,
  key,
  fields: { summary, status: { name: status }, updated: new Date(updatedMs).toISOString().replace('Z', '+0000') },
})
