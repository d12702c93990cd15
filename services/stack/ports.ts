/**
 * TCP ports on 127.0.0.1: which are free. A free port is found by binding port 0, so two stacks started at once get different ones;
 * between finding and using it another process may still take it, and then the server's own start fails and says so.
 */
import { createServer, type Server } from 'node:net'

export const HOST = '127.0.0.1'

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => bind(0)))
  const ports = servers.map(portOf)
  await Promise.all(servers.map(close))
  return ports
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    await close(await bind(port))
    return true
  } catch {
    return false
  }
}

function bind(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return address.port
}
