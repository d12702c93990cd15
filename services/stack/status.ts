/**
 * The actual state of a stack: each server's process is looked up and queried; no file is trusted except for the ports.
 */

import { type Ports, pathsOf, SERVER_NAMES, type ServerName, type StackOptions } from './options.ts'
import { clickhouseUrl } from './servers/clickhouse.ts'
import { isReady, serverIdentity } from './servers/server.ts'
import { readPorts, stackFileOf } from './stack-file.ts'

export type ServerStatus = {
  name: ServerName
  /** `not answering`: its process lives. */
  state: 'ready' | 'not answering' | 'stopped'
  pid?: number
  address?: string
  log: string
}
export type StackStatus = { dir: string; state: 'up' | 'partly up' | 'down'; servers: ServerStatus[] }

/** Takes as long as the slowest server's response, at most a few seconds. */
export async function stackStatus(options: Pick<StackOptions, 'dir'>): Promise<StackStatus> {
  const { dir, portsFile } = pathsOf(options)
  const ports = await readPorts(portsFile)
  const servers = await Promise.all(SERVER_NAMES.map((name) => serverStatus(name, ports, options)))
  const all = (state: ServerStatus['state']) => servers.every((server) => server.state === state)
  return { dir, state: all('ready') ? 'up' : all('stopped') ? 'down' : 'partly up', servers }
}

async function serverStatus(
  name: ServerName,
  ports: Ports | undefined,
  options: Pick<StackOptions, 'dir'>,
): Promise<ServerStatus> {
  const log = pathsOf(options).log(name)
  const identity = await serverIdentity(name, options)
  if (identity === undefined || ports === undefined) return { name, state: 'stopped', log }
  const state = (await isReady(name, ports)) ? 'ready' : 'not answering'
  return { name, state, pid: identity.pid, address: addressOf(name, ports), log }
}

function addressOf(name: ServerName, ports: Ports): string {
  const { kafka, registry } = stackFileOf(ports)
  if (name === 'kafka') return kafka.brokers
  return name === 'registry' ? registry.url : clickhouseUrl(ports.clickhouse)
}
