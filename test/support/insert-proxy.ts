/**
 * ClickHouse behind a proxy that stops at the moments of an insert, so that a process can be killed exactly there.
 * Inserts of the ledger count apart from those of tables; everything else passes, inserts into the ledger of dead
 * letters too. Changes nothing by itself: for answers that lie or break see clickhouse-proxy.ts.
 */
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { listening, passedOn } from './http.ts'
import { createMoments, type Moments } from './moments.ts'
import type { Closes } from './processes.ts'

/**
 * `begun`: all of an insert is here, nothing of it is at ClickHouse. `half`: half of it is. `done`: ClickHouse has
 * confirmed it, and the loader does not know. `answered`: the loader can know. The same of the ledger.
 */
export type InsertMoment = `${'table' | 'ledger'}-${'begun' | 'half' | 'done' | 'answered'}`

export type InsertProxy = { url: string; inserts: number; at: Moments<InsertMoment>['at'] }

const LEDGER = 'headrace_pages'
/** The ledger of letters follows beside the loading, at moments of its own. */
const LETTERS = 'headrace_dead_letters'

export async function startInsertProxy(closes: Closes, target: string): Promise<InsertProxy> {
  const moments = createMoments<InsertMoment>()

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const url = new URL(incoming.url ?? '/', target)
    const table = /^INSERT INTO `[^`]*`\.`([^`]*)`/.exec(url.searchParams.get('query') ?? '')?.[1]
    const kind = table === undefined || table === LETTERS ? null : table === LEDGER ? 'ledger' : 'table'
    const reach = async (moment: 'begun' | 'half' | 'done' | 'answered') => {
      if (kind !== null) await moments.reach(`${kind}-${moment}`)
    }
    if (kind === 'table') proxy.inserts += 1
    await reach('begun')
    await forward(url, incoming, Buffer.concat(pieces), answer, reach)
  }

  const { url: own, close } = await listening(
    (incoming, answer) => void handle(incoming, answer).catch(() => answer.destroy()),
  )
  closes.after(close)
  const proxy: InsertProxy = { url: own, inserts: 0, at: moments.at }
  return proxy
}

type Reach = (moment: 'half' | 'done' | 'answered') => Promise<void>

/** What the loader no longer waits for ends at ClickHouse too, as it would without a proxy in between. */
async function forward(
  url: URL,
  incoming: IncomingMessage,
  body: Buffer,
  answer: ServerResponse,
  reach: Reach,
): Promise<void> {
  const outgoing = request(url, passedOn(incoming, url, body.length))
  const response = Promise.withResolvers<IncomingMessage>()
  outgoing.once('response', response.resolve)
  outgoing.once('error', response.reject)
  response.promise.catch(() => undefined)
  outgoing.write(body.subarray(0, body.length / 2))
  await reach('half')
  if (answer.destroyed) return void outgoing.destroy()
  outgoing.end(body.subarray(body.length / 2))
  const confirmed = await response.promise
  const pieces: Buffer[] = []
  for await (const piece of confirmed) pieces.push(piece as Buffer)
  await reach('done')
  answer.writeHead(confirmed.statusCode ?? 500, confirmed.headers)
  await new Promise<void>((sent) => {
    answer.once('close', sent)
    answer.end(Buffer.concat(pieces), sent)
  })
  await reach('answered')
}
