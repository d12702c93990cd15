/**
 * A real HTTP server on a free port that answers as a test scripts it, and remembers what it was asked. It closes with the test.
 */
import { createServer, type ServerResponse } from 'node:http'
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

export type TestServer = { url: string; requests: Asked[]; close(): Promise<void> }

/** `script` is asked for each request, with its number from 0. */
export async function startServer(
  t: TestContext | null,
  script: (asked: Asked, number: number) => Answer | Promise<Answer>,
): Promise<TestServer> {
  const requests: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '/', 'http://test')
    const asked: Asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      path: url.pathname,
      query: url.searchParams,
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  t?.after(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close }
}

/** A script that gives one answer after the other, and the last one from then on. */
export const inTurn =
  (...answers: Answer[]) =>
  (_asked: Asked, number: number): Answer =>
    answers[Math.min(number, answers.length - 1)] ?? {}
