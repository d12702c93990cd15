/**
 * Real HTTP servers on a free port of this machine: with a listener of the test's own, or one that answers as a test
 * scripts it and remembers what it was asked. That one closes with the test.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'

export type Asked = {
  method: string
  /** Path and query as they came. */
  target: string
  path: string
  query: URLSearchParams
  headers: Readonly<Record<string, string | undefined>>
  body: string
  /** When it was complete, `performance.now()`. */
  atMs: number
}

export type Answer = {
  status?: number
  headers?: Record<string, string | string[] | number>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: string | Buffer
  /** Takes the response or its socket over. */
  take?(response: ServerResponse, socket: Socket): void
}

export type TestServer = Listening & { requests: Asked[] }

export type Listening = { url: string; close(): Promise<void> }

/** Resolves when it can be asked. Closing cuts what is under way. */
export async function listening(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What a proxy that has the whole body asks `to` with, in place of what came in; the length is the body's. */
export function passedOn({ method, headers: given }: IncomingMessage, to: URL, bodyBytes: number): RequestOptions {
  const { 'transfer-encoding': _, connection: __, ...headers } = given
  return {
    ...(method === undefined ? {} : { method }),
    headers: { ...headers, host: to.host, 'content-length': bodyBytes },
  }
}

/** `script` is asked for each request, with its number from 0. */
export async function startServer(
  t: TestContext | null,
  script: (asked: Asked, number: number) => Answer | Promise<Answer>,
): Promise<TestServer> {
  const requests: Asked[] = []
  const { url, close } = await listening(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const asking = new URL(request.url ?? '/', 'http://test')
    const asked: Asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      path: asking.pathname,
      query: asking.searchParams,
      headers: request.headers as Record<string, string | undefined>,
      body: Buffer.concat(chunks).toString('utf8'),
      atMs: performance.now(),
    }
    requests.push(asked)
    const answer = await script(asked, requests.length - 1)
    if (answer.take !== undefined) return answer.take(response, request.socket)
    const body = answer.json === undefined ? (answer.body ?? '') : JSON.stringify(answer.json)
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    response.end(body)
  })
  t?.after(close)
  return { url, requests, close }
}

/** A script that gives one answer after the other, and the last one from then on. */
export const inTurn =
  (...answers: Answer[]) =>
  (_asked: Asked, number: number): Answer =>
    answers[Math.min(number, answers.length - 1)] ?? {}
