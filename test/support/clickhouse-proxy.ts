/**
 * A proxy in front of the real ClickHouse that does to answers what networks and servers do: cuts them, fakes them,
 * refuses.
 */
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { listening, passedOn } from './http.ts'
import { atEnd } from './published.ts'

/** What happens to an insert; everything else passes. */
export type Mishap =
  | 'pass'
  /** Passes after a while. */
  | 'slow'
  /** The insert is done, its answer never arrives. */
  | 'cut-answer'
  /** The connection is cut in the middle of the body, on the way in. */
  | 'cut-body'
  /** Not done, and a 200 with the exception in a header. */
  | { header: number }
  /** Not done, and a 200 with the exception in the body. */
  | { text: string }
  /** Not done, and an error as ClickHouse writes it. */
  | { code: number; name: string }
  /** Not done, and a bare status of some proxy. */
  | { status: number }
  /** Not answered before the promise resolves. */
  | { hold: Promise<void> }
  /** Passes when the promise resolves. */
  | { passAfter: Promise<void> }

export type ClickHouseProxy = {
  url: string
  inserts: { table: string; bytes: number; mishap: Mishap; token: string | null }[]
  close(): Promise<void>
}

const CUT_AFTER_BYTES = 1000
const SLOW_MS = 300

/** `decide` is asked once an insert, with the body's size in bytes. */
export async function clickhouseProxy(
  target: string,
  decide: (table: string, bytes: number) => Mishap,
): Promise<ClickHouseProxy> {
  const inserts: ClickHouseProxy['inserts'] = []

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming)
    const { searchParams } = new URL(incoming.url ?? '/', target)
    const table = /^INSERT INTO `[^`]*`\.`([^`]*)`/.exec(searchParams.get('query') ?? '')?.[1]
    let mishap = table === undefined ? 'pass' : decide(table, body.length)
    if (table !== undefined)
      inserts.push({ table, bytes: body.length, mishap, token: searchParams.get('insert_deduplication_token') })
    if (typeof mishap === 'object' && 'passAfter' in mishap) {
      await mishap.passAfter
      mishap = 'pass'
    }
    if (typeof mishap === 'object' && 'hold' in mishap) {
      await mishap.hold
      return void answer.destroy()
    }
    if (typeof mishap === 'object') return refuse(answer, mishap)
    if (mishap === 'slow') await setTimeout(SLOW_MS)
    const passes = mishap === 'pass' || mishap === 'slow'
    if (mishap === 'cut-body') {
      await cutBody(target, incoming, body)
      answer.destroy()
    } else await forward(target, incoming, body, passes ? answer : null).finally(() => passes || answer.destroy())
  }

  const { url, close } = await listening(
    (incoming, answer) => void handle(incoming, answer).catch(() => answer.destroy()),
  )
  atEnd(close)
  return { url, inserts, close }
}

type Refusal = Exclude<Mishap, string | { hold: Promise<void> } | { passAfter: Promise<void> }>

function refuse(answer: ServerResponse, mishap: Refusal): void {
  // Claims more rows than any insert has, so that only the exception can tell.
  const claim = { 'X-ClickHouse-Summary': '{"written_rows":"1000000000"}' }
  if ('header' in mishap)
    answer.writeHead(200, { ...claim, 'X-ClickHouse-Exception-Code': String(mishap.header) }).end('')
  else if ('text' in mishap) answer.writeHead(200, claim).end(mishap.text)
  else if ('status' in mishap) answer.writeHead(mishap.status).end('<html>an error page</html>')
  else {
    const text = `Code: ${mishap.code}. DB::Exception: made up by the test. (${mishap.name}) (version 26.7.2.1)\n`
    answer.writeHead(500, { 'X-ClickHouse-Exception-Code': String(mishap.code) }).end(text)
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/**
 * The length in front stays that of the whole: a part that came as a whole would be rows that ClickHouse takes, and
 * under their token it would drop all others. No network does that.
 */
function cutBody(target: string, incoming: IncomingMessage, body: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const url = new URL(incoming.url ?? '/', target)
    const outgoing = request(url, passedOn(incoming, url, body.length))
    outgoing.on('error', () => resolve())
    outgoing.on('close', resolve)
    outgoing.write(body.subarray(0, Math.min(CUT_AFTER_BYTES, body.length / 2)), () => outgoing.destroy())
  })
}

function forward(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  answer: ServerResponse | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const url = new URL(incoming.url ?? '/', target)
    const outgoing = request(url, passedOn(incoming, url, body.length), (response) => {
      if (answer === null) response.resume()
      else {
        answer.writeHead(response.statusCode ?? 500, response.headers)
        response.pipe(answer)
      }
      response.on('end', resolve)
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
