/** How a new subject is registered, against a scripted registry: what it answers when another worker was faster. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { z } from '#shared/index.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { wire } from './orders-schema.ts'

const SUBJECT = 'shop.orders-value'
const schema = wire({ id: z.string(), at: z.iso.datetime() })
const notFound = (code: number): Answer => ({ status: 404, json: { error_code: code, message: 'not found' } })
const conflict: Answer = {
  status: 409,
  json: { error_code: 409, message: "A rule named 'COMPATIBILITY' already exists." },
}

/** Without a schema; its compatibility is set from the request of this number on. */
function registry(t: TestContext, setFrom: number) {
  let asked = 0
  return startServer(t, ({ method, path }: Asked): Answer => {
    if (path.startsWith('/config/')) {
      if (method === 'PUT') return conflict
      asked += 1
      return asked >= setFrom ? { json: { compatibilityLevel: 'BACKWARD' } } : notFound(40408)
    }
    return method === 'POST' ? { json: { id: 7 } } : notFound(40401)
  })
}

test('a new subject whose compatibility is refused each time is refused after a bounded number of attempts', async (t) => {
  const server = await registry(t, Number.POSITIVE_INFINITY)
  await assert.rejects(
    connectRegistry({ url: server.url }).register(SUBJECT, schema),
    (error) => error instanceof Stopped && error.code === 'HR_SCHEMA_REFUSED' && /already exists/.test(error.message),
  )
  assert.equal(server.requests.filter(({ method }) => method === 'PUT').length, 5)
})

test('a new subject whose compatibility another worker has just set is registered', async (t) => {
  const server = await registry(t, 2)
  assert.equal((await connectRegistry({ url: server.url }).register(SUBJECT, schema)).id, 7)
})
