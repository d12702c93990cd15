/**
 * The sockets of the package. A plain socket reads into one buffer of its own. Otherwise Node allocates a new one for
 * every 64 KiB, which stays until the garbage collector runs. A listener of `data` must not use the bytes after it
 * returns; `receive-buffer.ts` does not.
 */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const READ_BYTES = 256 * 1024
const KEEP_ALIVE_DELAY_MS = 60_000

export const createSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connectPlain(host, port, onConnect)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}

function connectPlain(host: string, port: number, onConnect: () => void): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  const callback = (bytes: number): boolean => {
    socket.emit('data', buffer.subarray(0, bytes))
    return true
  }
  const socket: Socket = connect({ host, port, onread: { buffer, callback } }, onConnect)
  return socket
}
