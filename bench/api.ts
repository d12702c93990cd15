/**
 * A local API that is faster than its client: pages by cursor over HTTP, each made before it is requested. A process
 * of its own, since it would otherwise share a core with what is measured. Arguments: records in all, partitions. Sends
 * its address to its parent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '#shared/clock.ts'
import { createPageWriter, PAGE_RECORDS } from './events.ts'

export type ApiAddress = { url: string }
/** Since the last `/reset`: when the first page was asked for, epoch milliseconds. */
export type ApiStats = { firstMs: number | null; pages: number }

const [recordsInAll, partitions] = process.argv.slice(2).map(Number) as [number, number]
const pagesOfShare = Math.ceil(recordsInAll / PAGE_RECORDS / partitions)
const write = createPageWriter()
const ahead = new Map<number, { page: number; body: Buffer }>()
let stats: ApiStats = { firstMs: null, pages: 0 }

function pageOf(share: number, page: number): Buffer {
  return write((share * pagesOfShare + page) * PAGE_RECORDS, page + 1 < pagesOfShare ? page + 1 : null)
}

function take(share: number, page: number): Buffer {
  const ready = ahead.get(share)
  setImmediate(() => ahead.set(share, { page: page + 1, body: pageOf(share, page + 1) }))
  return ready?.page === page ? ready.body : pageOf(share, page)
}

function answer(url: URL): Buffer {
  if (url.pathname === '/reset') stats = { firstMs: null, pages: 0 }
  if (url.pathname !== '/events') return Buffer.from(JSON.stringify(stats))
  stats.firstMs ??= systemClock.nowMs()
  stats.pages += 1
  return take(Number(url.searchParams.get('share') ?? 0), Number(url.searchParams.get('cursor') ?? 0))
}

const server = createServer((request, response) => {
  const body = answer(new URL(request.url ?? '/', 'http://api'))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } satisfies ApiAddress)
})
