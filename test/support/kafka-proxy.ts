/**
 * A proxy in front of a real broker that does what networks do: resets connections before a request has arrived, in
 * place of its answer, or in the middle of the answer's bytes; holds answers back while requests go on arriving; is
 * slow. Brokers tell their own address, so the proxy writes its own over it. Whoever is to be met by this gets
 * `brokers` as KAFKA_BROKERS; others go on speaking to the broker itself. One broker only.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Asked, answerId, askedBy, framesOf, redirect } from './kafka-frames.ts'
import type { Closes } from './processes.ts'

/** What happens to a request and its answer. */
export type KafkaMishap =
  | 'pass'
  /** Half of the request arrives, then the connection is reset: it is not done. */
  | 'cut-request'
  /** It is done, and the connection is reset in place of the answer. */
  | 'lose-answer'
  /** It is done, and the connection is reset in the middle of the answer. */
  | 'cut-answer'
  /** It is done; its answer and all behind it on this connection come after the promise. */
  | { hold: Promise<void> }
  /** Request and answer go in pieces. */
  | { pieceBytes: number; pauseMs: number }

export type KafkaProxy = {
  /** host:port, as in KAFKA_BROKERS. */
  brokers: string
  /** Requests that did not pass, in their order, with the size of the answer where there was one. */
  mishaps: { api: string; mishap: KafkaMishap; answerBytes: number }[]
  /** Resets every connection, and new ones at once, until `mend`. */
  cut(): void
  mend(): void
}

type Expected = Asked & { mishap: KafkaMishap }
type Line = { client: Socket; broker: Socket; expected: Map<number, Expected> }

/** `decide` is asked once a request, when it is here. */
export async function startKafkaProxy(
  closes: Closes,
  brokers: string,
  decide: (api: string) => KafkaMishap,
): Promise<KafkaProxy> {
  const [host = '', portText] = brokers.split(':')
  const port = Number(portText)
  const lines = new Set<Line>()
  let isCut = false
  let ownPort = 0

  const server = createServer({ noDelay: true }, (client) => {
    client.on('error', () => undefined)
    if (isCut) return void client.resetAndDestroy()
    const broker = connect({ host, port, noDelay: true }).on('error', () => undefined)
    const line: Line = { client, broker, expected: new Map() }
    lines.add(line)
    const end = () => {
      lines.delete(line)
      reset(line)
    }
    // A direction that fails or ends takes the other one with it, as no half of a connection to a broker is of use.
    void requests(line).then(end, end)
    void answers(line).then(end, end)
  })

  async function requests(line: Line): Promise<void> {
    const { client, broker, expected } = line
    for await (const frame of framesOf(client)) {
      const asked = askedBy(frame)
      const mishap = decide(asked.api)
      if (mishap === 'cut-request') {
        proxy.mishaps.push({ api: asked.api, mishap, answerBytes: 0 })
        await write(broker, frame.subarray(0, frame.length / 2))
        return reset(line)
      }
      expected.set(asked.id, { ...asked, mishap })
      await send(broker, frame, mishap)
    }
  }

  async function answers(line: Line): Promise<void> {
    const { client, broker, expected } = line
    for await (const frame of framesOf(broker)) {
      const asked = expected.get(answerId(frame))
      if (asked === undefined) return
      expected.delete(asked.id)
      const { api, mishap } = asked
      if (mishap !== 'pass') proxy.mishaps.push({ api, mishap, answerBytes: frame.length })
      redirect(frame, asked, port, ownPort)
      if (mishap === 'cut-answer') await write(client, frame.subarray(0, frame.length / 2))
      if (mishap === 'cut-answer' || mishap === 'lose-answer') return reset(line)
      if (typeof mishap === 'object' && 'hold' in mishap) await mishap.hold
      await send(client, frame, mishap)
    }
  }

  function cut(): void {
    isCut = true
    for (const line of lines) reset(line)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address === 'object' && address !== null) ownPort = address.port
  closes.after(() => {
    cut()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const mend = () => {
    isCut = false
  }
  const proxy: KafkaProxy = { brokers: `127.0.0.1:${ownPort}`, mishaps: [], cut, mend }
  return proxy
}

function reset({ client, broker }: Line): void {
  client.resetAndDestroy()
  broker.resetAndDestroy()
}

async function send(socket: Socket, frame: Buffer, mishap: KafkaMishap): Promise<void> {
  const slow = typeof mishap === 'object' && 'pauseMs' in mishap ? mishap : null
  const pieceBytes = slow?.pieceBytes ?? frame.length
  for (let from = 0; from < frame.length; from += pieceBytes) {
    await write(socket, frame.subarray(from, from + pieceBytes))
    if (slow !== null) await sleep(slow.pauseMs)
  }
}

/** Resolves when the bytes are out, so that a reader that does not read slows the other side down. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

export type Network = {
  decide(api: string): KafkaMishap
  /** The next request of that kind meets it, or the next `times`; all others pass. */
  next(api: string, mishap: KafkaMishap, times?: number): void
  /** Nothing is left to be met. */
  isCalm(): boolean
}

/** A network that is well but for what a test asks for. */
export function calmNetwork(): Network {
  const waiting: { api: string; mishap: KafkaMishap }[] = []
  return {
    decide(api) {
      const index = waiting.findIndex((each) => each.api === api)
      return index < 0 ? 'pass' : (waiting.splice(index, 1)[0]?.mishap ?? 'pass')
    },
    next: (api, mishap, times = 1) => void waiting.push(...Array.from({ length: times }, () => ({ api, mishap }))),
    isCalm: () => waiting.length === 0,
  }
}
