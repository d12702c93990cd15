/** Issues of Jira Cloud, by the search with JQL. */
import { basic, cursor, defineSource, instant, optional, secret, setting, timeText, z } from 'headrace'

const issue = z.object({
  id: z.string(),
  key: z.string(),
  summary: z.string(),
  status: z.string(),
  updated: instant(),
})
type RawIssue = { id: string; key: string; fields: { summary: string; status: { name: string }; updated: string } }

export default defineSource({
  name: 'jira',
  baseUrl: setting('JIRA_URL', 'https://your-site.invalid'),
  auth: basic({ username: secret('JIRA_USER'), password: secret('JIRA_TOKEN') }),
  quota: { requests: 100, per: '1m' },
  streams: {
    issues: {
      method: 'POST',
      path: '/rest/api/3/search/jql',
      body: ({ from }) => ({
        jql: `project = OPS AND updated >= "${from}" ORDER BY updated ASC`,
        fields: ['summary', 'status', 'updated'],
        maxResults: 100,
      }),
      paginate: cursor({
        next: optional('/nextPageToken'),
        body: '/nextPageToken',
        hasMore: (body: { isLast: boolean }) => !body.isLast,
      }),
      records: '/issues',
      map: ({ id, key, fields }: RawIssue) => ({ id, key, ...fields, status: fields.status.name }),
      schema: issue,
      primaryKey: ['id'],
      // JQL has minutes, in the zone of the user; the search finds a change after a while.
      watermark: { field: 'updated', as: timeText('%Y-%m-%d %H:%M'), start: '2024-01-01T00:00:00Z', lookback: '5m' },
    },
  },
})
