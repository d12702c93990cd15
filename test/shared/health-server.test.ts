/** The health server in front of clients that open connections and leave them standing. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HEALTH_BOUNDS, type HealthBounds, serveHealth } from '#shared/health-server.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'

/** Fewer than the operating system keeps until they are accepted. */
const BACKLOG = 200

async function server(t: TestContext, bounds?: HealthBounds): Promise<URL> {
  const health = await serveHealth({
    ...{ host: '127.0.0.1', port: 0, metrics: createMetrics(), readiness: () => ({ ready: true }) },
    ...(bounds === undefined ? {} : { bounds }),
  })
  t.after(() => health.close())
  return new URL(health.url)
}

/** Opens connections that say `begin` and no more. `open()` counts those that the server has not closed. */
async function halfOpen(
  t: TestContext,
  { hostname, port }: URL,
  count: number,
  begin: string,
): Promise<{ open(): number }> {
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  let closed = 0
  const open = async () => {
    const socket = connect(Number(port), hostname)
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => (closed += 1))
    socket.resume()
    await new Promise((go) => socket.once('connect', go))
    if (begin !== '') socket.write(begin)
  }
  // A full backlog would leave connections that the client takes for open and the server has never seen.
  while (sockets.length < count)
    await Promise.all(Array.from({ length: Math.min(BACKLOG, count - sockets.length) }, open))
  return { open: () => count - closed }
}

async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (let poll = 0; poll < 200 && !isSo(); poll++) await sleep(50)
  assert.ok(isSo(), what)
}

describe('connections that are opened and left standing', () => {
  for (const [name, begin] of [
    ['say nothing', ''],
    ['stop within their headers', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-'],
    [
      'never send the body that they announce',
      'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n',
    ],
  ] as const) {
    test(`2,000 that ${name} do not stay, and /livez is answered meanwhile`, async (t) => {
      const url = await server(t)
      const clients = await halfOpen(t, url, 2000, begin)
      const response = await fetch(new URL('/livez', url))
      assert.deepEqual([response.status, await response.json()], [200, { status: 'ok' }])
      await eventually(() => clients.open() <= HEALTH_BOUNDS.connectionsMax, `${clients.open()} connections stay open`)
    })
  }

  test('the few that are left are closed when they have said nothing for long', async (t) => {
    const url = await server(t, { ...HEALTH_BOUNDS, headersMs: 200, requestMs: 200, idleMs: 300, checkMs: 50 })
    const clients = [await halfOpen(t, url, 5, ''), await halfOpen(t, url, 5, 'GET /livez HTTP/1.1\r\nHost')]
    await eventually(() => clients.every(({ open }) => open() === 0), 'connections stay open')
  })

  test('a client that asks now and then keeps being answered', async (t) => {
    const url = await server(t, { ...HEALTH_BOUNDS, idleMs: 100, checkMs: 20 })
    for (let asked = 0; asked < 5; asked++) {
      assert.equal((await fetch(new URL('/readyz', url))).status, 200)
      await sleep(150)
    }
  })
})

test('a reason that a server gave steers no terminal where /readyz is read, and parses to what it was', async (t) => {
  const reason = 'Kafka said \u001b[2J\u009b\u202e'
  const health = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics(),
    readiness: () => ({ ready: false, reason }),
  })
  t.after(() => health.close())
  const response = await fetch(new URL('/readyz', health.url))
  const body = await response.text()
  assert.equal(response.status, 503)
  assert.doesNotMatch(body, /[\p{Cc}\p{Cf}]/u)
  assert.deepEqual(JSON.parse(body), { ready: false, reason })
})
