/**
 * An HTTP proxy of a test: it forwards requests in absolute form, and tunnels CONNECT. With a login it refuses what
 * comes without it.
 */
import { createServer, request as forward, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { TestContext } from 'node:test'

export type TestProxy = {
  url: string
  /** `GET http://…` or `CONNECT host:port`, in the order of their arrival. */
  asked: string[]
}

export async function startProxy(t: TestContext, { login }: { login?: string } = {}): Promise<TestProxy> {
  const asked: string[] = []
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    login === undefined || headers['proxy-authorization'] === `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (!isAllowed(request)) return response.writeHead(407).end()
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers
    const onward = forward(request.url ?? '', { method: request.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.writeHead(502).end())
    return request.pipe(onward)
  })
  server.on('connect', (request, socket, head) => {
    asked.push(`CONNECT ${request.url}`)
    if (!isAllowed(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const [host, port] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    const end = () => {
      onward.destroy()
      socket.destroy()
    }
    onward.on('error', end)
    socket.on('error', end)
    socket.on('close', end)
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
