import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { csv } from '#shared/index.ts'
import { decodedBy, failsWith } from './decoding.ts'

describe('a body that is not CSV', () => {
  for (const [name, body, reason, says] of [
    [
      'with something behind a quote',
      'a,b\n1,"k3y"x\n',
      'unreadable',
      /^the body is not CSV: line 2: something follows/,
    ],
    ['with a quote inside a cell', 'a,b\n1,k3y"\n', 'unreadable', /^the body is not CSV: line 2: a quote is inside/],
    ['that ends inside a quoted cell', 'a,b\n1,"k3y', 'cut', /^the body is cut CSV: line 2: it ends inside a quoted/],
    ['that ends inside its last row', 'a,b,c\n1,2,3\n4,k3y', 'cut', /^the body is cut CSV: it ends inside line 3$/],
    ['that is empty', '', 'cut', /^the body is empty/],
    [
      'that is a sentence',
      'No data found\n',
      'unreadable',
      /^the body is not CSV: it is one line without the delimiter/,
    ],
    ['that is an error in JSON', '{"error":"k3y"}', 'unreadable', /^the body is JSON, not CSV$/],
    ['that is HTML', '<!doctype html><p>Maintenance', 'not_json', /^the body is HTML or XML: <!doctype html>/],
    ['whose header names a field twice', 'a,b,a\n1,k3y,3\n', 'unreadable', /its header names a twice$/],
  ] as const) {
    test(`${name} says so, by line, and quotes no cell`, () => failsWith(csv(), body, reason, says))
  }

  test('of too many elements ends at the bound', () =>
    failsWith(csv(), `a\n${'x\n'.repeat(1000)}`, 'unreadable', /more than 500 elements/, { elementsMax: 500 }))
})

describe('a table', () => {
  test('becomes an object of texts for each row, in order', async () => {
    const body = '\ufeffid,"name, full",at\r\n1,"Ada ""the first"" L.\nsecond line",2026-01-01\r\n2,Bob,\r\n'
    assert.deepEqual(await decodedBy(csv(), body), [
      { id: '1', 'name, full': 'Ada "the first" L.\nsecond line', at: '2026-01-01' },
      { id: '2', 'name, full': 'Bob' },
    ])
  })

  for (const [name, spec, body, rows] of [
    ['an empty cell is no field', {}, 'a,b\n,2\n', [{ b: '2' }]],
    ['an empty cell as null', { empty: 'null' }, 'a,b\n,2\n', [{ a: null, b: '2' }]],
    ['an empty cell as text', { empty: 'text' }, 'a,b\n,2\n', [{ a: '', b: '2' }]],
    ['another delimiter', { delimiter: ';' }, 'a;b\n1,5;2\n', [{ a: '1,5', b: '2' }]],
    ['tabs', { delimiter: '\t' }, 'a\tb\n1\t2\n', [{ a: '1', b: '2' }]],
    ['another quote', { quote: "'" }, "a,b\n'1,5','it''s'\n", [{ a: '1,5', b: "it's" }]],
    ['no quote', { quote: null }, 'a,b\n5" disk,"\n', [{ a: '5" disk', b: '"' }]],
    ['a backslash before quotes', { escape: '\\' }, 'a,b\n"x\\"y",2\n', [{ a: 'x"y', b: '2' }]],
    ['names of its own', { header: ['a', 'b'] }, '1,2\n', [{ a: '1', b: '2' }]],
    ['names of its own, and no row', { header: ['a', 'b'] }, '', []],
    ['lines before the header', { skipLines: 2 }, 'Report\nof today\na,b\n1,2\n', [{ a: '1', b: '2' }]],
    ['comments', { comment: '#' }, '# c\na,b\n1,2 # no\n', [{ a: '1', b: '2 # no' }]],
    ['spaces around cells', { trim: true }, 'a , b\n 1, "x "\n', [{ a: '1', b: 'x ' }]],
    ['a column without a name', {}, 'a,,\n1,2,\n', [{ a: '1', column_2: '2' }]],
    ['a column called __proto__', {}, '__proto__,b\n1,2\n', [JSON.parse('{"__proto__":"1","b":"2"}')]],
    ['lines that are empty', {}, 'a,b\n\n1,2\n\n', [{ a: '1', b: '2' }]],
    ['a header and no row', {}, 'a,b\n', []],
  ] as const) {
    test(`with ${name}`, async () => {
      assert.deepEqual(await decodedBy(csv(spec as Parameters<typeof csv>[0]), body), rows)
    })
  }

  test('keeps a row with other cells than the header as their list, which no schema takes for a record', async () => {
    assert.deepEqual(await decodedBy(csv(), 'a,b\n1,2\n3\n4,5,6\n'), [{ a: '1', b: '2' }, ['3'], ['4', '5', '6']])
  })

  test('respects the charset of the content type', async () => {
    const headers = { 'content-type': 'text/csv; charset=iso-8859-1' }
    assert.deepEqual(await decodedBy(csv(), Buffer.from('a,b\nü,ß\n', 'latin1'), { headers }), [{ a: 'ü', b: 'ß' }])
  })

  test('of any cells comes back as it was written, however it is quoted', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'ü', '"', ',', '\n', '\r', ' ', ';', '😀'), maxLength: 6 })
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 8 }), async (rows) => {
        const body = ['a,b', ...rows.map((cells) => cells.map(quoted).join(','))].join('\n')
        const found = (await decodedBy(csv({ empty: 'text' }), body)) as { a: string; b: string }[]
        assert.deepEqual(
          found.map(({ a, b }) => [a, b]),
          rows,
        )
      }),
      { numRuns: 50 },
    )
  })
})
