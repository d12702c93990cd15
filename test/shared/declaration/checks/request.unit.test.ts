/** What a declaration may say of its request: methods, bodies, forms, and the places that take a value. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { DeclarationError } from '#shared/errors.ts'
import { cursor, defineSource, keyset, none, offset, pageNumber, windows, z } from '#shared/index.ts'

type Loose = Record<string, unknown>

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const watermark = (more: Loose) => ({ field: 'at', start: '2026-01-01T00:00:00Z', ...more })

function compiled(stream: Loose) {
  const orders = { path: '/orders', schema, primaryKey: ['id'], paginate: none(), ...stream }
  const [found] = compileSource(
    { name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders } },
    'shop.ts',
  ).streams
  assert.ok(found !== undefined)
  return found
}

const post = { method: 'POST', form: { q: 'x' } }
const byForm = cursor({ next: '/next', form: 'after' })

/** Name, stream, field, words of the message, words of the hint. */
const mistakes: [string, Loose, string, RegExp, RegExp][] = [
  ['a form without a method', { form: { q: 'x' } }, 'form', /a GET has no body/, /method: 'POST'; or method: 'GET'/],
  ['a form beside a JSON body', { ...post, body: {} }, 'form', /a JSON body already/, /body or form/],
  ['a form field that is no scalar', { ...post, form: { a: { b: 1 } } }, 'form.a', /a list of them/, /form: /],
  ['a list of lists as a parameter', { params: { a: [[1]] } }, 'params.a', /a list of them/, /params: /],
  ['a cursor in a form that is not there', { paginate: byForm }, 'paginate.form', /no form/, /form: \{ … \}/],
  [
    'a cursor in the JSON body of a form',
    { ...post, paginate: cursor({ next: '/next', body: '/after' }) },
    'paginate.body',
    /has a form and no JSON body/,
    /form: 'name'/,
  ],
  [
    'a page number in a JSON body that is not there',
    { paginate: pageNumber({ body: '/page', stop: 'empty' }) },
    'paginate.body',
    /no JSON body/,
    /body: \{ … \}/,
  ],
  [
    'a page number in two places',
    { paginate: pageNumber({ body: '/page', param: 'page', stop: 'empty' }) },
    'paginate.param',
    /one place/,
    /param/,
  ],
  [
    'an offset in two places',
    { paginate: offset({ limit: 5, header: 'X-Offset', param: 'offset' }) },
    'paginate.param',
    /one place/,
    /param/,
  ],
  [
    'a limit that is named twice',
    { paginate: offset({ limit: { param: 'max', value: 5 }, limitParam: 'limit' }) },
    'paginate.limitParam',
    /already set by limit/,
    /limit/,
  ],
  [
    'a size without a place',
    { paginate: keyset({ field: '/id', param: 'after', size: { value: 5 } }) },
    'paginate.size.param',
    /one place that sets the size/,
    /per_page/,
  ],
  [
    'a watermark in no place',
    { watermark: watermark({}) },
    'watermark.param',
    /the one place where the request takes the watermark: param, header, body or form/,
    /param: 'since'/,
  ],
  [
    'a watermark in a form that is not there',
    { watermark: watermark({ form: 'since' }) },
    'watermark.form',
    /no form/,
    /form: /,
  ],
  [
    'an end in a form that is not there',
    { watermark: watermark({ param: 'since', to: { form: 'until' } }) },
    'watermark.to.form',
    /no form/,
    /form: /,
  ],
  [
    'an end in two places at once',
    { watermark: watermark({ param: 'since', to: { form: 'until', param: 'until' } }) },
    'watermark.to',
    /one place: \{ param, header, body or form/,
    /to: 'until'/,
  ],
  [
    "a window's end in a form that is not there",
    {
      watermark: watermark({ param: 'since' }),
      paginate: windows({ to: { form: 'until' }, size: '1d', pages: none() }),
    },
    'paginate.to.form',
    /no form/,
    /form: /,
  ],
  [
    'two values for one field of the form',
    { ...post, form: { after: '' }, paginate: byForm },
    'paginate.form',
    /"after" is also set by form/,
    /one of them/,
  ],
  [
    'two values for one header, whatever its case',
    { headers: { 'X-After': 'a' }, paginate: cursor({ next: '/next', header: 'x-after' }) },
    'paginate.header',
    /"x-after" is also set by headers/,
    /one of them/,
  ],
  [
    'two values for one place of the JSON body',
    {
      ...{ method: 'POST', body: {}, watermark: watermark({ body: '/since' }) },
      paginate: cursor({ next: '/next', body: '/since' }),
    },
    'paginate.body',
    /"\/since" is also set by watermark.body/,
    /one of them/,
  ],
  [
    'a header that the connection sets',
    { watermark: watermark({ header: 'Host' }) },
    'watermark.header',
    /the name of a header/,
    /header: 'If-Modified-Since'/,
  ],
]

describe('a request is refused when its file is loaded, for', () => {
  for (const [name, stream, field, words, hint] of mistakes) {
    test(name, () => {
      assert.throws(
        () => compiled(stream),
        (error) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.ok(error.message.startsWith(`shop.ts, stream orders, field ${field}: `), error.message)
          assert.match(error.message, words)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }
})

describe('a request', () => {
  test('is a GET, and has a body where the declaration names the method', () => {
    assert.equal(compiled({}).method, 'GET')
    assert.deepEqual(compiled({ method: 'GET', body: { q: 'x' } }).body, { q: 'x' })
    assert.deepEqual(compiled({ method: 'GET', form: { q: ['x', 'y'] } }).form, { q: ['x', 'y'] })
  })

  test('of a POST without a body gets one from a watermark that goes there', () => {
    const { watermark: found } = compiled({
      method: 'POST',
      watermark: watermark({ body: '/since', toBody: '/until' }),
    })
    assert.deepEqual([found?.place, found?.endPlace], [{ body: '/since' }, { body: '/until' }])
  })
})

describe('a function of the request', () => {
  test("may stand for a place: of the watermark, of a window's end and of the cursor", () => {
    const body = () => ({})
    const found = compiled({
      ...{ method: 'POST', body, watermark: watermark({}) },
      paginate: windows({ size: '1d', pages: cursor({ next: '/next' }) }),
    })
    assert.deepEqual([found.watermark?.place, found.watermark?.endPlace], [{}, {}])
  })

  test('is typed where it is written', () => {
    const source = defineSource({
      name: 'shop',
      baseUrl: 'https://api.shop.example',
      quota: { requests: 1, per: '1s' },
      streams: {
        orders: {
          method: 'POST',
          path: ({ values, page }) => `/${values.shop}/${page}`,
          params: ({ cursor: at }) => ({ at, ids: [1, 2] }),
          headers: ({ from }) => ({ 'X-Since': from }),
          body: ({ from, to }) => ({ jql: `at >= ${from} AND at < ${to}` }),
          partitions: [{ shop: 'eu' }],
          paginate: none(),
          ...{ schema, primaryKey: ['id'], watermark: { field: 'at' } },
        },
      },
    })
    assert.equal(compileSource(source.input, 'shop.ts').streams.length, 1)
  })

  test('of params tells several partitions apart, as one of any other part does', () => {
    assert.equal(compiled({ partitions: 2, path: () => '/orders' }).partitions.length, 2)
    assert.throws(() => compiled({ partitions: 2 }), /2 partitions would all send the same request/)
  })
})
