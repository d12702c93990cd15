/**
 * A local API that is faster than its client: pages by cursor over HTTP, each made before it is requested. A process
 * of its own, since it would otherwise share a core with what is measured. Arguments: records in all, partitions, and
 * milliseconds before each page is answered (none: 0). Sends its address to its parent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '#shared/clock.ts'
import { PAGE_RECORDS, type PageWriter } from './pages.ts'
import { pagesOfPartition, WALK_LISTS } from './walk-sets.ts'

export type ApiAddress = { url: string }
/** Since the last `/reset`: when the first page was asked for, epoch milliseconds. */
export type ApiStats = { firstMs: number | null; pages: number }

const [recordsInAll, partitions, paceMs = 0] = process.argv.slice(2).map(Number) as [number, number, number?]
type List = { pages: number; write: PageWriter; ahead: Map<number, { page: number; body: Buffer }> }
const lists = new Map<string, List>()
for (const list of Object.values(WALK_LISTS).flat()) {
  const pages = pagesOfPartition(list, recordsInAll, partitions)
  lists.set(`/${list.name}`, { pages, write: list.writer(), ahead: new Map() })
}
let stats: ApiStats = { firstMs: null, pages: 0 }

function pageOf({ pages, write }: List, partition: number, page: number): Buffer {
  const next = page + 1 < pages ? page + 1 : null
  return write((partition * pages + page) * PAGE_RECORDS, next)
}

function take(list: List, partition: number, page: number): Buffer {
  const ready = list.ahead.get(partition)
  setImmediate(() => list.ahead.set(partition, { page: page + 1, body: pageOf(list, partition, page + 1) }))
  return ready?.page === page ? ready.body : pageOf(list, partition, page)
}

function answer(url: URL): Buffer {
  if (url.pathname === '/reset') stats = { firstMs: null, pages: 0 }
  const list = lists.get(url.pathname)
  if (list === undefined) return Buffer.from(JSON.stringify(stats))
  stats.firstMs ??= systemClock.nowMs()
  stats.pages += 1
  return take(list, Number(url.searchParams.get('share') ?? 0), Number(url.searchParams.get('cursor') ?? 0))
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://api')
  const body = answer(url)
  const send = () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  }
  if (paceMs > 0 && lists.has(url.pathname)) setTimeout(send, paceMs)
  else send()
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } satisfies ApiAddress)
})
