/**
 * Servers that behave like Salesforce. One exchanges a signed assertion for a session whose end it does not name. The
 * other is the instance. It answers queries from a snapshot, whose locator it can forget.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
 */
import { type KeyObject, verify } from 'node:crypto'
import type { Answer, Asked } from '../../support/http.ts'
import { type Hook, isAfter, type Vendor } from './vendor.ts'

export type Account = { Id: string; Name: string; AnnualRevenue: number | null; IsDeleted: boolean; modifiedMs: number }
export const SALESFORCE = { clientId: '3MVG9.client', user: 'agent@shop.example' }
const AUDIENCE = 'https://login.salesforce.com'
const VERSION = '/services/data/v62.0'

const BATCH_ACCOUNTS = 20
/** Of one session. */
const SESSION_REQUESTS = 3
/** A time is not quoted. */
const SOQL = /^SELECT (\w+(?:,\w+)*) FROM Account WHERE SystemModstamp > ([\d:.T-]+Z) ORDER BY SystemModstamp$/

export type Salesforce = Vendor & { login: Vendor['script']; sessions(): number; forgetLocators(): void }

export function likeSalesforce(accounts: Map<string, Account>, key: KeyObject, instanceUrl: () => string): Salesforce {
  const complaints: string[] = []
  const locators = new Map<string, Account[]>()
  let sessions = 0
  let left = 0
  let asked = 0
  const hooks: Hook[] = []

  function login({ method, path, body }: Asked): Answer {
    if (method !== 'POST' || path !== '/services/oauth2/token') return { status: 404 }
    const form = new URLSearchParams(body)
    const mistake = assertionMistake(form, key)
    if (mistake !== null) {
      complaints.push(`salesforce: ${mistake}`)
      return { status: 400, json: { error: 'invalid_grant', error_description: mistake } }
    }
    sessions += 1
    left = SESSION_REQUESTS
    const id = `${AUDIENCE}/id/00D/005`
    return {
      json: {
        access_token: `00D!session-${sessions}`,
        scope: 'api',
        instance_url: instanceUrl(),
        id,
        token_type: 'Bearer',
      },
    }
  }

  async function script({ headers, path, query }: Asked): Promise<Answer> {
    left -= 1
    if (headers.authorization !== `Bearer 00D!session-${sessions}` || left < 0)
      return { status: 401, json: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }] }
    asked += 1
    if (asked === 2) return { status: 503, json: [{ message: 'Server unavailable', errorCode: 'SERVER_UNAVAILABLE' }] }
    for (const hook of hooks) await hook(asked)
    if (path === `${VERSION}/queryAll`) return queried(query.get('q') ?? '')
    const [, name = '', from = ''] = /\/query\/(\w+)-(\d+)$/.exec(path) ?? []
    const kept = locators.get(name)
    if (kept === undefined)
      return { status: 400, json: [{ message: 'invalid query locator', errorCode: 'INVALID_QUERY_LOCATOR' }] }
    return batchOf(name, kept, Number(from))
  }

  function queried(soql: string): Answer {
    const [, , since] = SOQL.exec(soql) ?? []
    if (since === undefined) return { status: 400, json: [{ message: soql, errorCode: 'MALFORMED_QUERY' }] }
    const name = `01g${locators.size}AAA`
    const found = [...accounts.values()]
      .filter(({ modifiedMs }) => modifiedMs > Date.parse(since))
      .sort((a, b) => (isAfter([a.modifiedMs, a.Id], [b.modifiedMs, b.Id]) ? 1 : -1))
    locators.set(name, found)
    return batchOf(name, found, 0)
  }

  return {
    script,
    login,
    complaints,
    onAsked: (hook) => void hooks.push(hook),
    sessions: () => sessions,
    forgetLocators: () => locators.clear(),
  }
}

function batchOf(locator: string, found: readonly Account[], from: number): Answer {
  const to = from + BATCH_ACCOUNTS
  const done = to >= found.length
  return {
    json: {
      totalSize: found.length,
      done,
      ...(done ? {} : { nextRecordsUrl: `${VERSION}/query/${locator}-${to}` }),
      records: found.slice(from, to).map(rawOf),
    },
  }
}

const rawOf = ({ modifiedMs, ...account }: Account) => ({
  attributes: { type: 'Account', url: `${VERSION}/sobjects/Account/${account.Id}` },
  ...account,
  SystemModstamp: new Date(modifiedMs).toISOString().replace('Z', '+0000'),
})

/** What the authorisation server finds wrong; null for a good assertion. */
function assertionMistake(form: URLSearchParams, key: KeyObject): string | null {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'unsupported grant type'
  const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')))
    return 'invalid assertion'
  const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
  if (iss !== SALESFORCE.clientId || sub !== SALESFORCE.user || aud !== AUDIENCE) return 'invalid claims'
  return Number(exp) > Date.now() / 1000 + 180 ? 'the assertion lives for too long' : null
}
