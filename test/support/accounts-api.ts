/**
 * An API with orders below accounts, on a real HTTP server: `/accounts` and `/accounts/{account}/orders`, both in pages
 * of two, orders by `since` in no order of time. A test changes both while they are walked, and can make an account
 * fail.
 */
import type { TestContext } from 'node:test'
import { type Answer, type Asked, startServer } from './http.ts'

export type AccountOrder = { id: string; total: number; updated_at: string }
export type OrdersAsked = { account: string; since: string | null; after: number }

export type AccountsApi = {
  url: string
  accounts: { id: string; open?: boolean }[]
  /** Times that the first page of accounts was asked for. */
  listed: number
  /** Requests for orders. */
  log: OrdersAsked[]
  put(account: string, ...orders: AccountOrder[]): void
  /** Answers in the API's place for an account, when it returns something. */
  script: ((asked: OrdersAsked) => Answer | undefined) | undefined
  /** The same for the list of accounts, by how many lie before the page. */
  listScript: ((after: number) => Answer | undefined) | undefined
}

const PAGE_SIZE = 2

export async function startAccountsApi(t: TestContext, accounts: readonly string[]): Promise<AccountsApi> {
  const orders = new Map<string, Map<string, AccountOrder>>()

  function page<T>(all: readonly T[], after: number): Answer {
    const next = after + PAGE_SIZE
    return { json: { data: all.slice(after, next), next: next < all.length ? String(next) : null } }
  }

  function answer({ path, query }: Asked): Answer {
    const after = Number(query.get('cursor') ?? 0)
    if (path === '/accounts') {
      if (after === 0) api.listed += 1
      return api.listScript?.(after) ?? page(api.accounts, after)
    }
    const account = decodeURIComponent(/^\/accounts\/([^/]+)\/orders$/.exec(path)?.[1] ?? '')
    const asked = { account, since: query.get('since'), after }
    api.log.push(asked)
    const { since } = asked
    const own = [...(orders.get(account)?.values() ?? [])]
    return (
      api.script?.(asked) ??
      page(since === null ? own : own.filter(({ updated_at }) => Date.parse(updated_at) >= Date.parse(since)), after)
    )
  }

  const server = await startServer(t, answer)
  const api: AccountsApi = {
    url: server.url,
    accounts: accounts.map((id) => ({ id, open: true })),
    listed: 0,
    log: [],
    put(account, ...changed) {
      const own = orders.get(account) ?? new Map<string, AccountOrder>()
      for (const each of changed) own.set(each.id, each)
      orders.set(account, own)
    },
    script: undefined,
    listScript: undefined,
  }
  return api
}
