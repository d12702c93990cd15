import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { WrongUse } from '#shared/errors.ts'
import { readDocument, STREAMS_MAX } from '../../../../services/cli/init/openapi/read-document.ts'
import { jsonResponse, listOf, SHOP_2_0, SHOP_3_0, SHOP_3_1 } from './documents.ts'

const read = (document: unknown, options: { only?: string; address?: string } = {}) =>
  readDocument(typeof document === 'string' ? document : JSON.stringify(document), {
    from: 'shop.json',
    address: options.address ?? null,
    name: 'shop',
    only: options.only,
  })

describe('a document of every version, as JSON and as YAML', () => {
  const versions = [
    ['2.0', SHOP_2_0],
    ['3.0', SHOP_3_0],
    ['3.1', SHOP_3_1],
  ] as const
  for (const [version, document] of versions) {
    for (const [form, text] of [
      ['JSON', JSON.stringify(document)],
      ['YAML', stringify(document)],
      ['YAML with Windows line ends', `\uFEFF${stringify(document).replaceAll('\n', '\r\n')}`],
    ] as const) {
      test(`${version} as ${form}: address, credentials, lists, fields`, () => {
        const found = read(text)
        assert.equal(found.version, version)
        assert.equal(found.title, 'Shop')
        assert.deepEqual(found.address, { baseUrl: 'https://api.shop.example/v1', variables: [] })
        assert.deepEqual(found.credentials, {
          kind: 'api-key',
          in: 'header',
          keys: { 'X-Shop-Key': { secret: 'SHOP_KEY' } },
        })
        assert.deepEqual(found.counts, { gets: 3, lists: 2, meant: 2 })
        assert.deepEqual(found.problems.lines(), [])
        const [orders, notes] = found.streams
        assert.deepEqual(orders, {
          stream: 'orders',
          path: '/orders',
          description: 'All orders',
          recordsAt: '/data',
          schema: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              status: { type: 'string', enum: ['open', 'paid'] },
              total: { type: ['number', 'null'] },
              created_at: { type: 'string', format: 'date-time' },
              lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
            },
            required: ['id', 'status'],
          },
          params: {},
          paramNames: ['cursor', 'limit'],
          exampleParams: [],
          missingParams: [],
          paging: { kind: 'cursor', next: '/meta/next_cursor', param: 'cursor' },
          pathValues: null,
          deprecated: false,
          isOnlyList: true,
        })
        assert.equal(notes?.path, '/orders/{id}/notes')
        assert.deepEqual(notes?.pathValues, { names: ['id'], parent: { stream: 'orders', field: 'id' }, offered: [] })
      })
    }
  }
})

describe('a text that is no such document is refused with one clear error', () => {
  const refused = [
    ['', /shop\.json is not an OpenAPI or Swagger document: it is empty/],
    ['<!doctype html><title>Docs</title>', /it is a page of HTML/],
    ['just words', /it is a string/],
    ['[1, 2]', /it is a list/],
    ['{}', /it is an empty object/],
    ['{ "orders": [], "next": null }', /has neither openapi nor swagger, but orders, next/],
    ['{ "asyncapi": "2.6.0", "channels": {} }', /describes events \(AsyncAPI\)/],
    ['{ "swaggerVersion": "1.2", "apis": [] }', /of Swagger 1, which is not read/],
    ['{ "openapi": "3.0.0", "paths": {', /.+/],
    ['a: [1, 2', /is not YAML/],
    ['a: &a [*a, *a]', /has neither openapi nor swagger, but a|is not YAML/],
  ] as const
  for (const [text, message] of refused) {
    test(JSON.stringify(text.slice(0, 40)), () => {
      // What is cut in the middle is read as far as it goes.
      if (text.startsWith('{ "openapi"')) assert.equal(read(text).counts.gets, 0)
      else
        assert.throws(
          () => read(text),
          (error) => error instanceof WrongUse && error.code === 'HR_OPENAPI' && message.test(error.message),
        )
    })
  }
})

describe('an invalid document is read as far as it goes, and says what is wrong', () => {
  const lines = (document: unknown) => read(document).problems.lines()

  test('JSON with a comma too many is read as YAML reads it', () => {
    const text = JSON.stringify(SHOP_3_1, null, 2).replace('"summary": "All orders",', '"summary": "All orders",,')
    assert.match(lines(JSON.stringify(SHOP_3_1).replace(/}$/, ',}'))[0] ?? '', /^document: is not JSON: /)
    assert.ok(text.includes(',,'))
  })

  test('the version may be missing, a number, or of the future', () => {
    const { swagger: _, ...old } = SHOP_2_0
    assert.equal(read(old).version, '2.0')
    assert.deepEqual(lines(old), ['document: names no version; it is read as Swagger 2.0'])
    const { openapi: __, ...recent } = SHOP_3_0
    assert.deepEqual(lines(recent), ['document: names no version; it is read as OpenAPI 3.0'])
    assert.equal(read(stringify({ ...SHOP_2_0, swagger: 2 })).version, '2.0')
    assert.equal(read({ ...SHOP_3_1, openapi: '3.2.0' }).counts.lists, 2)
    assert.equal(read({ ...recent, openapi: 3.1 }).version, '3.1')
  })

  test('references that lead nowhere, to themselves or to another file', () => {
    const document = listOf(
      { type: 'object', properties: { a: { $ref: '#/components/schemas/Gone' }, b: { $ref: 'more.yaml#/B' } } },
      { schemas: { Loop: { $ref: '#/components/schemas/Loop' } } },
    )
    const [stream] = read(document).streams
    assert.deepEqual(stream?.schema.properties, { a: {}, b: {} })
    assert.deepEqual(lines(document), [
      '#/components/schemas/Gone: leads nowhere',
      'more.yaml#/B: is in another file, which is not read: bundle the document into one file',
    ])
    const looped = listOf(
      { type: 'object', properties: { a: { $ref: '#/components/schemas/Loop' } } },
      {
        schemas: { Loop: { $ref: '#/components/schemas/Loop' } },
      },
    )
    assert.deepEqual(lines(looped), ['#/components/schemas/Loop: is a reference to itself'])
  })

  test('types that are none, properties that are a list, parameters without a name', () => {
    const document = listOf(
      { $ref: '#/components/schemas/Thing' },
      {
        schemas: {
          Thing: {
            type: 'object',
            properties: {
              at: { type: 'datetime' },
              n: { type: 'int' },
              odd: { type: 'money' },
              inner: { $ref: '#/components/schemas/Inner' },
            },
          },
          Inner: { type: 'Object', properties: [{ name: 'a' }] },
        },
        operation: { parameters: [{ in: 'query' }, { name: 'limit', in: 'query' }] },
      },
    )
    const [stream] = read(document).streams
    assert.deepEqual(stream?.schema.properties, {
      at: { type: 'string' },
      n: { type: 'integer' },
      odd: {},
      inner: { type: 'object', properties: {} },
    })
    assert.deepEqual(lines(document), [
      'GET /things: a parameter has no name or no place; not read',
      'a schema: "datetime" is not a type; read as string',
      'a schema: "int" is not a type; read as integer',
      'a schema: "money" is not a type; read as any value',
      'Inner: "Object" is not a type; read as object',
      'Inner: properties is not an object; its fields are not read',
    ])
  })

  test('a path that Swagger 2.0 cannot mean costs no other path', () => {
    const broken = { parameters: [{ name: 'q', type: 'string' }], get: SHOP_2_0.paths['/orders'].get }
    const found = read({
      ...SHOP_2_0,
      paths: { ...SHOP_2_0.paths, '/broken': { ...broken, get: { ...broken.get, parameters: [{ name: 'q' }] } } },
    })
    assert.ok(found.streams.some(({ path }) => path === '/orders'))
    assert.match(found.problems.lines().join('\n'), /^\/broken: /m)
  })

  test('responses, paths and operations of the wrong kind', () => {
    const document = {
      ...SHOP_3_1,
      paths: {
        '/a': { get: {} },
        '/b': { get: 7 },
        '/c': null,
        d: { get: { responses: { 200: jsonResponse({ type: 'array', items: { type: 'object' } }) } } },
      },
    }
    assert.deepEqual(lines(document), [
      'GET /a: has no responses',
      'GET /b: is not an object; not read',
      'GET d: the path does not start with /; read as if it did',
    ])
    assert.deepEqual(
      read(document).streams.map(({ path }) => path),
      ['/d'],
    )
    assert.deepEqual(lines({ openapi: '3.1.0', paths: [] }), ['paths: is not an object, so there are no operations'])
  })

  test('the lines are bounded', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 90 }, (_, index) => [`f${index}`, { type: `t${index}` }]),
    )
    const found = lines(listOf({ type: 'object', properties }))
    assert.equal(found.length, 21)
    assert.equal(found.at(-1), 'and 70 more')
  })
})

describe('the streams', () => {
  const paths = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`/list${index}`, listOf({ type: 'object' }).paths['/things']]),
    )

  test(`are at most ${STREAMS_MAX}, those without path parameters and not deprecated first`, () => {
    const document = {
      ...listOf({}),
      paths: {
        '/a/{x}/b': listOf({ type: 'object' }).paths['/things'],
        '/old': { get: { ...listOf({ type: 'object' }).paths['/things'].get, deprecated: true } },
        ...paths(STREAMS_MAX - 1),
      },
    }
    const found = read(document)
    assert.deepEqual(found.counts, { gets: STREAMS_MAX + 1, lists: STREAMS_MAX + 1, meant: STREAMS_MAX + 1 })
    assert.equal(found.streams.length, STREAMS_MAX)
    assert.equal(found.streams.at(-1)?.path, '/a/{x}/b')
  })

  test('are those that a pattern means, by path or operationId', () => {
    const meant = (only: string) => read(SHOP_3_1, { only }).streams.map(({ path }) => path)
    assert.deepEqual(meant('/orders'), ['/orders'])
    assert.deepEqual(meant('orders*'), ['/orders', '/orders/{id}/notes'])
    assert.deepEqual(meant('LISTNOTES'), ['/orders/{id}/notes'])
    assert.deepEqual(meant('/orders/{id}/*'), ['/orders/{id}/notes'])
    assert.deepEqual(meant('order'), [])
  })
})

test('random changes of a document never crash the reader', () => {
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      null,
      [],
      {},
      '',
      0,
      -1,
      true,
      '#',
      '#/paths',
      '../x',
      { $ref: '#/' },
      { allOf: [{ $ref: '#/components/schemas/Order' }] },
    ),
  )
  const documents = [SHOP_2_0, SHOP_3_0, SHOP_3_1]
  const change = fc.record({ at: fc.nat(), put: junk, how: fc.constantFrom('replace', 'remove', 'rename') })
  fc.assert(
    fc.property(
      fc.constantFrom(...documents),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (document, changes) => {
        const changed = changes.reduce<unknown>((now, each) => changedAt(now, each), document)
        try {
          const { problems, streams } = read(changed)
          assert.ok(problems.lines().length <= 21)
          assert.ok(streams.length <= STREAMS_MAX)
        } catch (error) {
          assert.ok(error instanceof WrongUse && error.code === 'HR_OPENAPI', String(error))
        }
      },
    ),
    { numRuns: 100 },
  )
})

type Change = { at: number; put: unknown; how: string }

/** Some place of the value, counted in the order of a walk, is replaced, removed or renamed. */
function changedAt(value: unknown, { at, put, how }: Change): unknown {
  let left = at % Math.max(1, placesIn(value))
  const walk = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner
    const entries = Object.entries(inner).flatMap(([name, each]): [string, unknown][] => {
      const here = left-- === 0
      if (here && how === 'remove') return []
      return [[here && how === 'rename' ? nameFrom(put) : name, here && how === 'replace' ? put : walk(each)]]
    })
    return Array.isArray(inner) ? entries.map(([, each]) => each) : Object.fromEntries(entries)
  }
  return walk(value)
}

/** Not `String`: an object may have a `toString` that is not a function. */
const nameFrom = (put: unknown): string => (typeof put === 'string' ? put : JSON.stringify(put))

const placesIn = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce((sum: number, each) => sum + 1 + placesIn(each), 0)
    : 0
