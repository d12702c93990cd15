import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { compiledFrom } from '../../../../services/cli/init/files.ts'
import { readDocument } from '../../../../services/cli/init/openapi/read-document.ts'
import { settleAll } from '../../../../services/cli/init/openapi/settle-all.ts'
import { sourceFiles } from '../../../../services/cli/init/openapi/source-files.ts'
import { notesOf, openQuestionsOf } from '../../../../services/cli/init/openapi/stream-notes.ts'
import { jsonResponse, SHOP_2_0 } from './documents.ts'

/** From the document alone. */
async function written(document: object) {
  const read = readDocument(JSON.stringify(document), { from: 'shop.json', address: null, name: 'shop' })
  const known = { baseUrl: 'https://api.shop.example', headers: {} }
  const settled = await settleAll(read.streams, {
    ...{ name: 'shop', known, offline: true, clock: systemClock, signal: new AbortController().signal },
    // Nothing is asked.
    ...{ log: undefined as never, resolver: undefined as never },
  })
  const made = await sourceFiles(
    { name: 'shop', known, quota: { requests: 60, per: '1m', why: null }, notes: [], origin: 'shop.json alone' },
    settled,
    (stream, parents) => openQuestionsOf(stream, parents).length > 0,
    { dir: 'sources', clock: systemClock, notesOf },
  )
  const open = made.declared.flatMap((each) => openQuestionsOf(each, made.parents))
  return { text: made.files[0]?.text ?? '', files: made.files.map(({ path }) => path), doubts: made.doubts, open }
}

const list = (path: string, item: object, more: object = {}) => ({
  openapi: '3.1.0',
  paths: { [path]: { get: { responses: { 200: jsonResponse({ type: 'array', items: item }) }, ...more } } },
})
const item = { type: 'object', required: ['id'], properties: { id: { type: 'integer' }, note: { type: 'string' } } }

describe('without its API, a source is what its document says', () => {
  test('fields, key, paging and credentials, each with a comment that says so', async () => {
    const { text, files, open } = await written(SHOP_2_0)
    assert.deepEqual(files, ['sources/shop.ts'])
    assert.match(text, /In doubt: all of it is from the document\. --offline\./)
    assert.match(
      text,
      /guessed: the document; the API was not asked\n {6}paginate: cursor\(\{ next: '\/meta\/next_cursor'/,
    )
    assert.match(text, /id: z\.string\(\), \/\/ guessed: described\n/)
    assert.match(text, /status: z\.enum\(\['open', 'paid'\]\), /)
    assert.match(text, /total: z\.number\(\)\.nullish\(\), /)
    assert.match(text, /primaryKey: \['id'\],/)
    assert.match(text, /partitions: parent\(\{ stream: 'orders', over: 8, values: \{ id: '\/id' \} \}\),/)
    assert.match(text, /envelope: \{ order_id: '\{id\}' \},/)
    assert.deepEqual(open, [
      'stream notes, field paginate: the document does not say how /orders/{id}/notes is paged: cursor, linkHeader, nextUrl, pageNumber … or none()',
    ])
  })

  test('what is not required may be null, also inside objects', async () => {
    const nested = { type: 'object', properties: { a: { type: 'object', properties: { b: { type: 'string' } } } } }
    const { text } = await written(list('/things', { ...item, properties: { ...item.properties, in: nested } }))
    assert.match(text, /b: z\.string\(\)\.nullish\(\),/)
  })

  test("values of a path: from the records of its parent, and of that one's parent", async () => {
    const { paths } = list('/shops', item)
    const below = { ...list('/shops/{shop}/desks', item).paths, ...list('/shops/{shop}/desks/{id}/sales', item).paths }
    const { text } = await written({ openapi: '3.1.0', paths: { ...below, ...paths } })
    assert.match(text, /partitions: parent\(\{ stream: 'shops', over: 8, values: \{ shop: '\/id' \} \}\),/)
    assert.match(
      text,
      /partitions: parent\(\{ stream: 'desks', over: 8, values: \{ shop: '\{shop\}', id: '\/id' \} \}\),/,
    )
    assert.match(text, /envelope: \{ shop: '\{shop\}', desk_id: '\{id\}' \},/)
    assert.match(text, /shop: z\.int\(\), \/\/ guessed: the value of \{shop\} in the path\n {8}desk_id: z\.int\(\), /)
    assert.match(text, /primaryKey: \['shop', 'desk_id', 'id'\],/)
  })

  test('values of a path: listed by the document, or a question', async () => {
    const region = { name: 'region', in: 'path', required: true, schema: { enum: ['eu', 'us'] } }
    const listed = await written(list('/{region}/things', item, { parameters: [region] }))
    assert.match(listed.text, /partitions: \[\{ region: 'eu' \}, \{ region: 'us' \}\],/)
    assert.match(listed.text, /envelope: \{ region: '\{region\}' \},/)
    assert.match(listed.text, /primaryKey: \['region', 'id'\],/)
    const unknown = await written(list('/{region}/things', item))
    assert.match(unknown.text, /partitions: todo\("which values has \/\{region\}\/things\?/)
    assert.match(unknown.open[0] ?? '', /^stream things, field partitions: which values has /)
  })

  test('parameters that it requires: with its default, its example in doubt, or a question', async () => {
    const parameter = (name: string, more: object) => ({ name, in: 'query', required: true, ...more })
    const { text, open } = await written(
      list('/things', item, {
        parameters: [
          parameter('kind', { schema: { type: 'string', default: 'all' } }),
          parameter('account', { example: 17, schema: { type: 'integer' } }),
          parameter('since', { schema: { type: 'string' } }),
        ],
      }),
    )
    assert.match(text, /kind: 'all',\n {8}account: '17',\n {8}since: todo\('the document requires the parameter since/)
    assert.match(text, /In doubt: the document gives account as examples only\./)
    assert.match(open[0] ?? '', /^stream things, field params\.since: /)
  })

  test('names that start with _ are renamed, and a list without an id has a hash as its key', async () => {
    const odd = { type: 'object', properties: { _id: { type: 'string' }, at: { type: 'string', format: 'date' } } }
    assert.match((await written(list('/things', odd))).text, /primaryKey: \['id'\],/)
    const none = { type: 'object', properties: { at: { type: 'string' } } }
    const { text } = await written(list('/things', none))
    assert.match(text, /In doubt: with this key a changed record is a new row\.\n {6}primaryKey: 'record',/)
  })
})

test('a stream that no declaration can have is omitted with its reason, and the others are written', async () => {
  const clash = {
    type: 'object',
    properties: {
      id: { type: 'string' },
      in: { type: 'object', properties: { os: { type: 'string' }, 'os.x': { type: 'string' } } },
    },
  }
  const { paths } = list('/things', item)
  const document = {
    openapi: '3.1.0',
    paths: { ...list('/clash', clash).paths, ...list('/bare', { type: 'object' }).paths, ...paths },
  }
  const { text, doubts } = await written(document)
  assert.match(doubts[0] ?? '', /^clash is omitted: .*is a path into "os"/)
  assert.equal(doubts[1], 'bare is omitted: the document names no fields of its records')
  assert.match(text, /things: \{/)
  await assert.rejects(written(list('/bare', { type: 'object' })), /no list of the document makes a valid declaration/)
  await compiledFrom(text.replace(/todo\(\s*'[^']*',?\s*\)/g, 'none()').replace('todo,', 'none,'), 'shop.ts', 'things')
})
