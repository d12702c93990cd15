/** A server that terminates TLS for a plain one of the stack, as a load balancer does. It ends with the test. */
import { request as forward } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Closes } from './processes.ts'

/** The address of the proxy, with the path of `to`. */
export async function overTls(closes: Closes, to: URL, options: ServerOptions): Promise<string> {
  const server = createServer(options, (request, response) => {
    const { host: _, ...headers } = request.headers
    const onward = forward(new URL(request.url ?? '/', to), { method: request.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  closes.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}${to.pathname}`
}
