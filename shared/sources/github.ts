/**
 * Issues of GitHub repositories, oldest change first: an example of pages by Link header, a sorted watermark and a
 * filter. Issues that are deleted, or transferred to another repository, disappear from the list without a trace. The
 * token needs the permission to read issues. Documented at https://docs.github.com/rest/issues/issues.
 */
import { bearer, defineSource, linkHeader, secret, z } from 'headrace'

const issue = z.object({
  id: z.int().describe('Unique over all repositories; number is not.'),
  owner: z.string(),
  repo: z.string(),
  number: z.int(),
  title: z.string(),
  body: z.string().nullable().describe('Markdown.'),
  state: z.enum(['open', 'closed']),
  state_reason: z.string().nullable().describe('completed, not_planned, duplicate or reopened.'),
  type: z.string().nullable(),
  author: z.string().nullable().describe('Null when the account is gone.'),
  author_association: z.string().describe('OWNER, MEMBER, CONTRIBUTOR, NONE, …'),
  labels: z.array(z.string()),
  assignees: z.array(z.string()),
  milestone: z.string().nullable(),
  comments: z.int(),
  reactions: z.int().describe('Of all kinds together.'),
  locked: z.boolean(),
  active_lock_reason: z.string().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  closed_at: z.iso.datetime().nullable(),
  closed_by: z.string().nullable(),
  html_url: z.url(),
})

type Account = { login: string } | null
type RawIssue = {
  user: Account
  closed_by?: Account
  assignees: { login: string }[]
  labels: ({ name: string } | string)[]
  milestone: { title: string } | null
  type?: { name: string } | null
  reactions?: { total_count: number }
}

/**
 * Known and not stored, with the URLs of everything around an issue. Everything else is passed on, so new fields of
 * GitHub's are reported as drift.
 */
const LEFT_OUT = [
  'node_id',
  'assignee',
  'performed_via_github_app',
  'sub_issues_summary',
  'issue_dependencies_summary',
  'draft',
]

/** An issue in the shape of `issue`, unchecked. An exception here makes a dead letter. */
function issueOf(raw: RawIssue): unknown {
  const { user, closed_by, assignees, labels, milestone, type, reactions, ...rest } = raw
  const kept = Object.entries(rest).filter(
    ([name]) => name === 'html_url' || !(name.endsWith('url') || LEFT_OUT.includes(name)),
  )
  return {
    ...Object.fromEntries(kept),
    author: user?.login ?? null,
    closed_by: closed_by?.login ?? null,
    assignees: assignees.map(({ login }) => login),
    labels: labels.map((label) => (typeof label === 'string' ? label : label.name)),
    milestone: milestone?.title ?? null,
    type: type?.name ?? null,
    reactions: reactions?.total_count ?? 0,
  }
}

export default defineSource({
  name: 'github',
  baseUrl: 'https://api.github.com',
  onDemand: true,
  auth: bearer(secret('GITHUB_TOKEN')),
  headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
  // 5,000 an hour for a person's token, which may have other users.
  quota: { requests: 60, per: '1m' },
  // It answers with 403 as well when its limits are reached; a token without the permission is refused after some
  // attempts.
  answers: { retry: [403] },
  streams: {
    issues: {
      path: '/repos/{owner}/{repo}/issues',
      params: { state: 'all', sort: 'updated', direction: 'asc', per_page: 100 },
      // The links hold a cursor (after) since 2025. An issue that changes during the walk moves to its end, and hides
      // no other one. A GitHub Enterprise Server whose links hold only a page number does not promise that.
      paginate: linkHeader(),
      envelope: { owner: '{owner}', repo: '{repo}' },
      // Every pull request is an issue too, with this field.
      filter: (raw: object) => !Object.hasOwn(raw, 'pull_request'),
      map: issueOf,
      schema: issue,
      primaryKey: ['id'],
      // The API filters by issues updated after the parameter, in whole seconds.
      watermark: {
        field: 'updated_at',
        param: 'since',
        as: 'isoSeconds',
        exclusive: true,
        lookback: '1m',
        sorted: true,
      },
      // One partition a repository.
      partitions: [
        { owner: 'octocat', repo: 'Hello-World' },
        { owner: 'octocat', repo: 'Spoon-Knife' },
      ],
      every: '5m',
    },
  },
})
