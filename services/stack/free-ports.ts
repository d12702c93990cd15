/**
 * Finds free TCP ports on 127.0.0.1, below the ephemeral range of the system. Otherwise a client that keeps
 * reconnecting to a stopped server may get the server's port as its own source port. It then connects to itself, and
 * the server cannot restart. Another process may take a port between finding and using it: then the server reports
 * that.
 */
import { createServer, type Server } from 'node:net'
import type { Clock } from '#shared/clock.ts'
import { Unavailable } from '#shared/errors.ts'

export const HOST = '127.0.0.1'

/** The ephemeral range begins at 32768 on Linux, at 49152 on macOS and BSD. */
const PORT_MIN = 15_000
const PORT_MAX = 31_999
const TRIES_MAX = 200

/** `count` different free ports. */
export async function freePorts(count: number, clock: Clock): Promise<number[]> {
  const found = new Set<number>()
  for (let tries = 0; tries < TRIES_MAX && found.size < count; tries++) {
    const port = PORT_MIN + Math.floor(clock.random() * (PORT_MAX - PORT_MIN + 1))
    if (!found.has(port) && (await isPortFree(port))) found.add(port)
  }
  if (found.size === count) return [...found]
  throw new Unavailable('HR_STACK_NO_PORT', `no ${count} free ports found between ${PORT_MIN} and ${PORT_MAX}`, {
    hint: 'end what occupies them, or give the ports',
  })
}

export function portTaken(name: string, port: number): Unavailable {
  return new Unavailable('HR_STACK_PORT_TAKEN', `port ${port} for ${name} is taken by another process`, {
    hint: 'end that process, or start with another port; without a given port a free one is found',
  })
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
