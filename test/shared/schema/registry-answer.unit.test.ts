import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped, Unavailable } from '#shared/errors.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { stallOfError } from '../../../services/loader/failures/retry.ts'
import { type Answer, startServer } from '../../support/http.ts'

const HTML = { 'content-type': 'text/html' }
const FOREIGN: [string, Answer][] = [
  ["another service's page", { body: '<html>welcome</html>', headers: HTML }],
  ["a proxy's 404", { status: 404, body: '<html>not found</html>', headers: HTML }],
  ['a 404 of JSON without a code', { status: 404, json: { detail: 'no such resource', status: 404 } }],
  ['a 404 with the code of another', { status: 404, json: { error_code: 50001 } }],
  ['a 404 without a body', { status: 404 }],
  ['a 405', { status: 405, body: 'no' }],
  ['a redirect to a login', { status: 302, headers: { location: 'http://127.0.0.1:1/login' } }],
  ['JSON of another form', { json: { items: [] } }],
  ['JSON null', { json: null }],
  ['no content', { status: 204 }],
]

describe('an address that is no registry', () => {
  for (const [what, answer] of FOREIGN) {
    test(`is said for ${what}, whatever is asked, and is never taken for a registry without the schema`, async (t) => {
      const server = await startServer(t, () => answer)
      const registry = connectRegistry({ url: server.url })
      for (const ask of [
        () => registry.latest('headrace.shop.orders-value'),
        () => registry.byId(7),
        () => registry.register('headrace.shop.orders-value', { type: 'object', properties: {} }),
      ]) {
        await assert.rejects(ask, (error) => {
          assert.ok(error instanceof Unavailable && error.code === 'HR_REGISTRY_FOREIGN', String(error))
          assert.match(error.message, /^http:\/\/127\.0\.0\.1:\d+\/? does not answer like a schema registry: /)
          assert.match(error.hint ?? '', /path.*\/apis\/ccompat\/v7/)
          return true
        })
      }
    })
  }

  test('is asked the second time with the same credentials, and names none of them', async (t) => {
    const server = await startServer(t, () => ({ status: 404, body: 'gone' }))
    const registry = connectRegistry({ url: server.url, user: 'me', password: 'hunter-22' })
    await assert.rejects(registry.byId(7), (error: Error) => !/hunter/.test(`${error.message}${error.cause}`))
    assert.deepEqual(
      new Set(server.requests.map(({ headers }) => headers.authorization)),
      new Set([`Basic ${btoa('me:hunter-22')}`]),
    )
  })
})

describe('a registry', () => {
  for (const [what, schema] of [
    ['that no validator takes', '{"properties":null}'],
    ['whose reference leads nowhere', '{"properties":{"a":{"$ref":"#/definitions/b"}}}'],
    ['that is no JSON', '{"properties":'],
  ] as const) {
    test(`with a schema ${what} is not away: the schema is named, and waiting does not help`, async (t) => {
      const server = await startServer(t, ({ path }) => ({
        json: path.endsWith('/latest') ? { id: 7, version: 1, schema } : { schemaType: 'JSON', schema },
      }))
      const registry = connectRegistry({ url: server.url })
      for (const ask of [() => registry.byId(7), () => registry.latest('headrace.shop.orders-value')]) {
        await assert.rejects(ask, (error) => {
          assert.ok(error instanceof Stopped && error.code === 'HR_SCHEMA_UNREADABLE', String(error))
          assert.match(error.message, /^schema 7 of the registry cannot be used: ./)
          assert.equal(stallOfError(error).needsPerson, true)
          return true
        })
      }
    })
  }

  test('that says by its own code that it has no subject, version or schema has none', async (t) => {
    for (const error_code of [404, 40401, 40402, 40403]) {
      const server = await startServer(t, () => ({ status: 404, json: { error_code, message: 'not found' } }))
      assert.equal(await connectRegistry({ url: server.url }).byId(7), null)
      assert.equal(await connectRegistry({ url: server.url }).latest('x-value'), null)
    }
  })

  test('that is away or refuses the login is not foreign', async (t) => {
    for (const [status, code] of [
      [401, 'HR_REGISTRY_REFUSED'],
      [403, 'HR_REGISTRY_REFUSED'],
      [503, 'HR_REGISTRY'],
    ] as const) {
      const server = await startServer(t, () => ({ status, body: '<html>', headers: HTML }))
      await assert.rejects(connectRegistry({ url: server.url }).latest('x-value'), { code })
    }
    await assert.rejects(connectRegistry({ url: 'http://127.0.0.1:1' }).latest('x-value'), {
      code: 'HR_REGISTRY',
      message: /ECONNREFUSED/,
    })
  })
})
