/**
 * What a cluster does with a statement ON CLUSTER, in front of servers that have neither Keeper nor replication: the
 * statement is done on each of them, with the plain engine in place of the Replicated one and the memory of inserts
 * that a Replicated table has by default. All else goes to the first server as it is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listening } from './http.ts'
import { atEnd } from './published.ts'

const ON_CLUSTER = / ON CLUSTER `[^`]+`/
const REPLICATED = 'ENGINE = ReplicatedReplacingMergeTree('
const REMEMBERED = ' SETTINGS non_replicated_deduplication_window = 100'

export async function onCluster(servers: readonly string[]): Promise<{ url: string; statements: string[] }> {
  const [first = ''] = servers
  const statements: string[] = []

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces)
    const path = incoming.url ?? '/'
    const statement = new URL(path, first).searchParams.has('query') ? '' : body.toString()
    if (!ON_CLUSTER.test(statement)) return pass(await ask(first, path, incoming, body), answer)
    statements.push(statement)
    const plain = statement.replace(ON_CLUSTER, '')
    const made = plain.includes(REPLICATED) ? plain.replace('Replicated', '') + REMEMBERED : plain
    for (const each of servers) {
      const done = await ask(each, path, incoming, Buffer.from(made))
      if (!done.ok) return pass(done, answer)
      await done.text()
    }
    // As a server does, unless it is told to say nothing.
    answer.end(
      path.includes('distributed_ddl_output_mode=none')
        ? ''
        : servers.map((url) => `${url}\t9000\t0\t\t0\t0\n`).join(''),
    )
  }

  const { url, close } = await listening(
    (incoming, answer) => void handle(incoming, answer).catch(() => answer.destroy()),
  )
  atEnd(close)
  return { url, statements }
}

function ask(
  server: string,
  path: string,
  { method = 'GET', headers }: IncomingMessage,
  body: Buffer,
): Promise<Response> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-') || name === 'authorization')
  const sent = method === 'GET' ? {} : { body: new Uint8Array(body) }
  return fetch(new URL(path, server), { method, headers: own.map(([name, value]) => [name, String(value)]), ...sent })
}

async function pass(response: Response, answer: ServerResponse): Promise<void> {
  const {
    'content-encoding': _,
    'transfer-encoding': __,
    'content-length': ___,
    ...headers
  } = Object.fromEntries(response.headers)
  answer.writeHead(response.status, headers).end(Buffer.from(await response.arrayBuffer()))
}
