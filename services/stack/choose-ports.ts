/**
 * Chooses the ports of a stack: the requested ones, else those of its last start while they are free, else new ones.
 * They are stored in `run/ports.json`, so addresses stay the same from start to start. Running servers keep theirs.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { Unavailable, WrongUse } from '#shared/errors.ts'
import { writeJson } from './files.ts'
import { freePorts, isPortFree, portTaken } from './free-ports.ts'
import { PORT_NAMES, type PortName, type Ports, pathsOf, type ServerName, type StackOptions } from './options.ts'
import { readPorts } from './stack-file.ts'

const TCP_PORT_MAX = 65_535

/**
 * Throws HR_STACK_PORT_TAKEN, HR_STACK_PORT_INVALID, or HR_STACK_RUNNING if a running server has another port than the
 * requested one.
 */
export async function choosePorts(options: StackOptions, running: ReadonlySet<ServerName>): Promise<Ports> {
  const { portsFile } = pathsOf(options)
  const last = await readPorts(portsFile)
  const fresh = await freePorts(PORT_NAMES.length, options.clock)
  const ports: Ports = { kafka: 0, kafkaController: 0, registry: 0, clickhouse: 0 }
  for (const [index, name] of PORT_NAMES.entries()) {
    const asked = options.ports?.[name]
    if (running.has(serverOf(name)) && last !== undefined) ports[name] = keep(name, last[name], asked)
    else if (asked !== undefined) ports[name] = await checkAsked(name, asked)
    else ports[name] = await lastOrFresh(name, last?.[name], fresh[index]!, options)
  }
  await writeJson(portsFile, ports)
  return ports
}

function serverOf(name: PortName): ServerName {
  return name === 'kafkaController' ? 'kafka' : name
}

function keep(name: PortName, current: number, asked: number | undefined): number {
  if (asked === undefined || asked === current) return current
  throw new Unavailable(
    'HR_STACK_RUNNING',
    `the stack is running already, with ${name} on port ${current} instead of ${asked}`,
    {
      hint: `stop it first: ${HEADRACE} stack down`,
    },
  )
}

async function checkAsked(name: PortName, port: number): Promise<number> {
  if (!Number.isInteger(port) || port < 1 || port > TCP_PORT_MAX) {
    throw new WrongUse('HR_STACK_PORT_INVALID', `${port} is not a port for ${name}`, {
      hint: `give a number from 1 to ${TCP_PORT_MAX}`,
    })
  }
  if (await isPortFree(port)) return port
  throw portTaken(name, port)
}

async function lastOrFresh(
  name: PortName,
  last: number | undefined,
  fresh: number,
  { onProgress }: StackOptions,
): Promise<number> {
  if (last === undefined) return fresh
  if (await isPortFree(last)) return last
  onProgress?.(`port ${last} of the last start is taken: ${name} gets ${fresh}`)
  return fresh
}
