import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { DeclarationError } from '#shared/errors.ts'
import { csv, cursor, gunzip, json, jsonl, none, pageNumber, xml, z, zip } from '#shared/index.ts'

const compiled = (decode: unknown, more: object = {}) =>
  compileSource(
    {
      name: 'shop',
      baseUrl: 'https://api.shop.example',
      quota: { requests: 1, per: '1s' },
      streams: {
        orders: {
          path: '/o',
          paginate: none(),
          schema: z.object({ id: z.string() }),
          primaryKey: ['id'],
          decode,
          ...more,
        },
      },
    },
    'shop.ts',
  ).streams[0]?.decode

describe('a mistake in decode', () => {
  for (const [name, decode, says, hint] of [
    ['a word', 'csv', /field decode: is a text, expected an object/, /write decode: csv\(\{ delimiter/],
    [
      'a misspelt field',
      csv({ delimeter: ';' } as object),
      /decode\.delimeter: is not a known field/,
      /did you mean delimiter/,
    ],
    ['a delimiter of two characters', csv({ delimiter: '||' }), /decode\.delimiter: expected one character/, /csv/],
    ['a delimiter that is the quote', csv({ quote: ',' }), /decode\.quote: is the delimiter too/, /quote: null/],
    ['a delimiter that ends a row', csv({ delimiter: '\n' }), /a line break ends a row/, /another/],
    ['a name twice', csv({ header: ['a', 'a'] }), /decode\.header: "a" is named twice/, /own name/],
    ['nothing behind gunzip()', gunzip(), /does not say what the opened file holds/, /\[gunzip\(\), csv\(\)\]/],
    ['a decoder that is not last', [csv(), gunzip()], /decode\[0\]: makes the body/, /gunzip\(\) and zip\(\)/],
    ['too many steps', [zip(), zip(), zip(), gunzip(), csv()], /field decode/, /./],
  ] as const) {
    test(`is named: ${name}`, () => {
      assert.throws(
        () => compiled(decode),
        (error: unknown) => {
          assert.ok(error instanceof DeclarationError)
          assert.match(error.message, says)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }

  for (const decode of [csv(), jsonl()]) {
    test(`is named: records in a body that is the list itself (${decode.kind})`, () => {
      assert.throws(() => compiled(decode, { records: '/data' }), /field records: a (CSV|JSONL) body is the list/)
    })
  }
})

describe('chunks', () => {
  const chunked = jsonl({ chunks: true })
  for (const [name, decode, more, says] of [
    ['in an archive', [zip(), csv({ chunks: true })], {}, /field decode: an archive is read as a whole/],
    [
      'with pages by number',
      chunked,
      { paginate: pageNumber({ stop: 'empty' }) },
      /paginate: page-number reads the body/,
    ],
    ['with a cursor in the body', chunked, { paginate: cursor({ next: '/n', param: 'c' }) }, /cursor reads the body/],
    ['with answers.failed', chunked, { answers: { failed: () => null } }, /field answers: has a function of the body/],
    ['of no record', jsonl({ chunks: { recordsMax: 0 } }), {}, /field decode/],
  ] as const) {
    test(`are refused ${name}`, () => {
      assert.throws(() => compiled(decode, more), says)
    })
  }

  test('have bounds by default, beside a cursor in a header', () => {
    const paginate = cursor({ nextHeader: 'X-Next', param: 'c' })
    assert.deepEqual(compiled([gunzip(), chunked], { paginate })?.chunks, {
      ...{ recordsMax: 1_000, bytesMax: 1_048_576, recordBytesMax: 4_194_304 },
    })
  })
})

test('the default is JSON, and a list ends with what makes the body', () => {
  assert.deepEqual(compiled(undefined), { files: [], body: { kind: 'json' } })
  assert.deepEqual(compiled([zip({ entry: 'a' }), gunzip(), json()]), {
    files: [{ kind: 'zip', entry: 'a' }, { kind: 'gunzip' }],
    body: { kind: 'json' },
  })
})

test('the place of the records of XML is a list', () => {
  const body = compiled(xml({ lists: ['/R/l'] }), { records: '/R/a' })?.body
  assert.deepEqual(typeof body === 'object' && body.kind === 'xml' ? body.lists : null, ['/R/l', '/R/a'])
})
