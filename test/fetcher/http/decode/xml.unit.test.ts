import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { xml } from '#shared/index.ts'
import { decodedBy, failsWith } from './decoding.ts'

describe('a body that is not XML', () => {
  for (const [name, body, reason, says] of [
    ['that ends inside an element', '<R><a>k3y</a>', 'cut', /^the body is cut XML: it ends at line 1, column 14$/],
    [
      'with an end of another element',
      '<R>\n<a>k3y</b></R>',
      'unreadable',
      /^the body is not XML: line 2, column \d+: /,
    ],
    ['with something behind the root', '<R>1</R>k3y', 'unreadable', /text data outside of root node$/],
    ['with an attribute without quotes', '<R><a x=k3y/></R>', 'unreadable', /unquoted attribute value$/],
    ['that is a text', 'k3y', 'unreadable', /^the body is not XML: it does not start with an element$/],
    ['that is empty', ' \n', 'cut', /^the body is empty/],
    ['that is HTML', '<!DOCTYPE html><html>', 'not_json', /^the body is HTML, not XML: <!DOCTYPE html><html>$/],
    ['that is HTML behind a comment', '<!-- 503 --><html>', 'not_json', /^the body is HTML, not XML$/],
  ] as const) {
    test(`${name} says so, by place, and quotes no text`, () => failsWith(xml(), body, reason, says))
  }

  test('of too many elements ends at the bound', () =>
    failsWith(xml(), `<R>${'<a/>'.repeat(1000)}</R>`, 'unreadable', /more than 500 elements/, { elementsMax: 500 }))

  for (const [name, entity] of [
    ['in the document', '"k3y"'],
    ['in a file', 'SYSTEM "file:///etc/passwd"'],
    ['at an address', 'SYSTEM "http://127.0.0.1:1/k3y"'],
  ] as const) {
    test(`with an entity ${name} is refused: none is expanded`, () =>
      failsWith(xml(), `<!DOCTYPE R [<!ENTITY x ${entity}>]><R>&x;</R>`, 'unreadable', /entities are not expanded$/))
  }
})

describe('a document', () => {
  for (const [name, spec, body, value] of [
    ['texts, trimmed', {}, '<R>\n <a> x </a>\n</R>', { R: { a: 'x' } }],
    [
      'attributes',
      {},
      '<R><a id="1">x</a><b id="2"/></R>',
      { R: { a: { '@id': '1', '#text': 'x' }, b: { '@id': '2' } } },
    ],
    ['names of its own', { attributePrefix: '', textField: 'text' }, '<R id="1">x</R>', { R: { id: '1', text: 'x' } }],
    ['elements that repeat', {}, '<R><a>1</a><b>2</b><a>3</a></R>', { R: { a: ['1', '3'], b: '2' } }],
    ['an element that repeats and is empty', {}, '<R><a>1</a><a/><a>3</a></R>', { R: { a: ['1', null, '3'] } }],
    ['an empty element, which is no field', {}, '<R><a/><b>1</b></R>', { R: { b: '1' } }],
    ['an empty element as null', { empty: 'null' }, '<R><a/></R>', { R: { a: null } }],
    ['an empty element as text', { empty: 'text' }, '<R><a/></R>', { R: { a: '' } }],
    ['xsi:nil', { empty: 'null' }, '<R xmlns:i="u"><a i:nil="true"/></R>', { R: { a: null } }],
    ['a list of one', { lists: ['/R/a'] }, '<R><a>1</a></R>', { R: { a: ['1'] } }],
    ['a list of none', { lists: ['/R/l/a'] }, '<R><l/></R>', { R: { l: { a: [] } } }],
    [
      'a list in each element',
      { lists: ['/R/a/b'] },
      '<R><a><b>1</b></a><a/></R>',
      { R: { a: [{ b: ['1'] }, { b: [] }] } },
    ],
    ['prefixes', {}, '<n:R xmlns:n="u"><n:a n:x="1"/></n:R>', { 'n:R': { 'n:a': { '@n:x': '1' } } }],
    ['prefixes dropped', { dropPrefixes: true }, '<n:R xmlns:n="u"><n:a n:x="1"/></n:R>', { R: { a: { '@x': '1' } } }],
    ['character data and references', {}, '<R><![CDATA[<b>]]>&amp;&#252;</R>', { R: '<b>&ü' }],
    ['an element called __proto__', {}, '<R><__proto__>1</__proto__></R>', JSON.parse('{"R":{"__proto__":"1"}}')],
  ] as const) {
    test(`with ${name}`, async () => {
      assert.deepEqual(await decodedBy(xml(spec as Parameters<typeof xml>[0]), body), value)
    })
  }

  test('has a list where the stream finds its records, also for one', async () => {
    const body = '<Response><StaffList><Staff><ID>1</ID></Staff></StaffList></Response>'
    assert.deepEqual(await decodedBy(xml(), body, { records: '/Response/StaffList/Staff' }), {
      Response: { StaffList: { Staff: [{ ID: '1' }] } },
    })
  })

  test('is read by its own declaration of the charset, and first by the content type', async () => {
    const body = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><R>ü</R>', 'latin1')
    assert.deepEqual(await decodedBy(xml(), body), { R: 'ü' })
    const headers = { 'content-type': 'text/xml; charset=utf-8' }
    await failsWith(xml(), body, 'unreadable', /not valid utf-8 text/, { headers })
  })
})
