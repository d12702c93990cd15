/**
 * A server that sends one file of a size, made row by row and no faster than it is read. Argument: megabytes. The path
 * is the format.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiAddress } from './api.ts'
import { FILE_FORMATS, opening, rowsOf } from './files.ts'

const bytesInAll = Number(process.argv[2]) * 1024 * 1024
const ROWS_AT_ONCE = 500

const server = createServer(async (request, response) => {
  const format = FILE_FORMATS.find((each) => request.url === `/${each}`)
  response.writeHead(format === undefined ? 404 : 200, { etag: '"one"' })
  if (format === undefined) return response.end()
  response.write(opening(format))
  for (let sent = 0, rows = 0; sent < bytesInAll; rows += ROWS_AT_ONCE) {
    const text = rowsOf(format, rows, ROWS_AT_ONCE)
    sent += Buffer.byteLength(text)
    if (!response.write(text)) await Promise.race([once(response, 'drain'), once(response, 'close')])
    if (response.destroyed) return
  }
  response.end()
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } satisfies ApiAddress)
})
