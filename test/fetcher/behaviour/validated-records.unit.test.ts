/** What a declaration says of records before the schema: envelope, filter, mark of deletion. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { optional, z } from '#shared/index.ts'
import { isMark } from '../../../services/fetcher/validate/tombstones.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, order, orderSchema } from '../declared.ts'

type Given = Record<string, unknown>
const PAGE = {
  body: { meta: { account_id: 'acme' }, data: [] },
  headers: { 'x-shop': 'north' },
  values: { region: 'eu' },
}
const judge = (raws: readonly unknown[], stream: Given = {}, page: Given = PAGE) =>
  createValidator(declareOrders(stream))(raws, page as typeof PAGE)
const payloads = ({ records }: ReturnType<typeof judge>) => records.map(({ payload }) => JSON.parse(payload))

describe('an envelope', () => {
  const schema = orderSchema.extend({ account_id: z.string(), region: z.string(), shop: z.string().optional() })
  const envelope = {
    account_id: '/meta/account_id',
    region: '{region}',
    shop: ({ headers }: typeof PAGE) => headers['x-shop'],
  }
  const stream = { schema, envelope, partitions: [{ region: 'eu' }] }

  test('copies values of the body, the partition and the headers into each record', () => {
    assert.deepEqual(payloads(judge([order('a'), order('b')], stream)), [
      { ...order('a'), account_id: 'acme', region: 'eu', shop: 'north' },
      { ...order('b'), account_id: 'acme', region: 'eu', shop: 'north' },
    ])
  })

  test('refuses a record that has another value of its own there, and takes one that has the same', () => {
    const { records, rejected } = judge(
      [
        { ...order('a'), account_id: 'other' },
        { ...order('b'), account_id: 'acme' },
      ],
      stream,
    )
    assert.deepEqual(
      records.map(({ key }) => key),
      ['b'],
    )
    assert.equal(rejected[0]?.reason, 'envelope_taken')
    assert.match(rejected[0]?.issues ?? '', /^account_id: /)
    assert.deepEqual(JSON.parse(rejected[0]?.raw ?? ''), { ...order('a'), account_id: 'other' })
  })

  test('that the page lacks stops the run and says what the body has; where it is optional, the schema decides', () => {
    const context = { body: { data: [], meta: {} }, headers: {}, values: { region: 'eu' } }
    for (const from of ['/meta/account_id', () => undefined]) {
      assert.throws(
        () => judge([order('a')], { ...stream, envelope: { region: '{region}', account_id: from } }, context),
        {
          code: 'HR_ENVELOPE',
          message: /envelope\.account_id is declared at .*, but there is nothing; it has data, meta$/,
        },
      )
      assert.deepEqual(
        judge([], { ...stream, envelope: { region: '{region}', account_id: from } }, context).rejected,
        [],
        'a page without records needs none',
      )
      const omitted = { ...stream, envelope: { region: '{region}', account_id: optional(from) } }
      assert.match(judge([order('a')], omitted, context).rejected[0]?.issues ?? '', /^account_id: /)
      const nullable = {
        ...omitted,
        schema: schema.extend({ account_id: z.string().optional() }),
        partitions: [{ region: 'eu' }],
      }
      assert.equal(judge([order('a')], nullable, context).records.length, 1)
    }
  })

  test('is there for filter, map and the mark of deletion, and in the dead letter', () => {
    const seen: unknown[] = []
    const note = (answer: unknown) => (raw: unknown) => {
      seen.push((raw as Given).account_id)
      return answer === undefined ? raw : answer
    }
    const { rejected } = judge([{ ...order('a'), total: 'x' }], {
      ...stream,
      filter: note(true),
      map: note(undefined),
      deleted: note(false),
    })
    assert.deepEqual(seen, ['acme', 'acme', 'acme'])
    assert.equal(JSON.parse(rejected[0]?.raw ?? '').account_id, 'acme')
  })

  test('a function that throws stops the run in front of the page, and is not asked on a page without records', () => {
    const throwing = {
      ...stream,
      envelope: {
        account_id: () => {
          throw new TypeError('no meta')
        },
      },
    }
    assert.throws(
      () => judge([order('a')], throwing),
      (error) =>
        error instanceof Stopped &&
        error.code === 'HR_ENVELOPE' &&
        /envelope\.account_id throws: no meta/.test(error.message),
    )
    assert.equal(judge([], throwing).records.length, 0)
  })

  test('is not asked for where records come with theirs, as replayed ones do', () => {
    const { records } = createValidator(declareOrders(stream))([{ ...order('a'), account_id: 'own', region: 'us' }])
    assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), { ...order('a'), account_id: 'own', region: 'us' })
  })

  test('a value that is nested too deeply to be compared counts as another', () => {
    const deep = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    const nested = { envelope: { tag: () => deep(20_000) }, schema: orderSchema.extend({ tag: z.unknown() }) }
    assert.equal(judge([{ ...order('a'), tag: deep(20_000) }], nested).rejected[0]?.reason, 'envelope_taken')
    const shallow = { envelope: { tag: () => [[1]] }, schema: orderSchema.extend({ tag: z.unknown() }) }
    assert.equal(judge([{ ...order('a'), tag: [[1]] }], shallow).records.length, 1)
  })

  test('what is no object takes no envelope and is rejected as itself', () => {
    const { rejected } = judge([null, 7, [1]], stream)
    assert.deepEqual(
      rejected.map(({ raw }) => raw),
      ['null', '7', '[1]'],
    )
  })
})

describe('half of a surrogate pair', () => {
  const schema = orderSchema.extend({ note: z.string().optional(), tags: z.record(z.string(), z.string()).optional() })
  const [high, low] = ['\ud83d', '\ude00']
  const byMap = (raw: unknown) => ({ ...(raw as Given), note: '\u{1f600}'.slice(0, 1) })
  for (const [name, raw, stream] of [
    ['a declared field, high', { ...order('a'), note: `x${high}` }, { schema }],
    ['a declared field, low', { ...order('a'), note: `${low}x` }, { schema }],
    ['both in the wrong order', { ...order('a'), note: low + high }, { schema }],
    ['behind backslashes', { ...order('a'), note: `\\\\${low}` }, { schema }],
    ['the key', { ...order('a'), id: `k${low}` }, { schema }],
    ['a field that the schema does not know', { ...order('a'), odd: low }, {}],
    ['deep inside such a field', { ...order('a'), odd: [{ deep: [low] }] }, {}],
    ['the name of a field', { ...order('a'), [`odd${low}`]: 1 }, {}],
    ['the name of a field in a map', { ...order('a'), tags: { [high]: 'x' } }, { schema }],
    ['a text that a map has cut', order('a'), { schema, map: byMap }],
    ['the envelope', order('a'), { schema, envelope: { note: () => low } }],
  ] as const) {
    test(`never reaches the table, and its dead letter is faithful: ${name}`, () => {
      const { records, rejected } = judge([raw], stream as Given)
      assert.deepEqual([records.length, rejected[0]?.reason], [0, 'invalid_text'])
      assert.match(rejected[0]?.issues ?? '', /half of a surrogate pair/)
      for (const text of [rejected[0]?.raw ?? '', rejected[0]?.issues ?? '']) assert.ok(text.isWellFormed())
      if (!('map' in stream) && !('envelope' in stream)) assert.deepEqual(JSON.parse(rejected[0]?.raw ?? ''), raw)
    })
  }

  test('is not seen in whole pairs, nor in the words of an escape', () => {
    const texts = ['\u{1f600}', '\\ud800', '\\\\udc00', '"\\ude00', '\u{10ffff}\\']
    const { records, rejected } = judge(
      texts.map((note, at) => ({ ...order(`o${at}`), note })),
      { schema },
    )
    assert.deepEqual(rejected, [])
    assert.deepEqual(
      records.map(({ payload }) => JSON.parse(payload).note),
      texts,
    )
  })

  test('is not made by the cut of a long list of issues', () => {
    const fields = Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`\u{1f600}${at}`, z.string()]))
    for (let spaces = 0; spaces < 2; spaces++) {
      const name = ' '.repeat(spaces) + '\u{1f600}'.repeat(3_000)
      const { rejected } = judge([order('a')], { schema: orderSchema.extend({ ...fields, [name]: z.string() }) })
      assert.ok(rejected[0]?.issues.isWellFormed())
    }
  })
})

describe('a filter', () => {
  test('leaves records out before map and schema, and counts them', () => {
    const filter = (raw: unknown) => (raw as { total: unknown }).total !== 'draft'
    const map = (raw: unknown) => {
      assert.notEqual((raw as { total: unknown }).total, 'draft')
      return raw
    }
    const judged = judge([{ ...order('a'), total: 'draft' }, order('b')], { filter, map })
    assert.deepEqual([judged.records.length, judged.rejected.length, judged.omitted], [1, 0, 1])
  })

  test('that throws makes a dead letter of that record alone', () => {
    const filter = (raw: unknown) => (raw as { tags: string[] }).tags.includes('keep')
    const { records, rejected } = judge([order('a'), { ...order('b'), tags: ['keep'] }], { filter })
    assert.deepEqual(
      records.map(({ key }) => key),
      ['b'],
    )
    assert.equal(rejected[0]?.reason, 'filter_failed')
    assert.match(rejected[0]?.issues ?? '', /^filter threw: Cannot read/)
  })
})

describe('a mark of deletion', () => {
  for (const value of [true, 1, 'true', 'yes', '2026-01-01T00:00:00Z', {}, -1])
    test(`${JSON.stringify(value)} marks`, () => assert.equal(isMark(value), true))
  for (const value of [undefined, null, false, 0, '', 'false', 'False', '0', 'no', 'N', ' f '])
    test(`${JSON.stringify(value)} does not mark`, () => assert.equal(isMark(value), false))

  test('is read where the declaration says, and is neither drift nor kept among unknown fields', () => {
    const judged = judge(
      [
        { ...order('a'), deleted: true },
        { ...order('b'), deleted: false, colour: 'red' },
      ],
      { deleted: '/deleted' },
    )
    assert.deepEqual(payloads(judged), [
      { ...order('a'), _deleted: 1 },
      { ...order('b'), _extra: { colour: 'red' } },
    ])
    assert.deepEqual([...judged.drift.keys()], ['colour'])
    const strict = judge([{ ...order('a'), deleted: true }], { deleted: '/deleted', unknownFields: 'reject' })
    assert.deepEqual(payloads(strict), [{ ...order('a'), _deleted: 1 }])
  })

  test('that is a field of the schema stays one, and one inside an object is kept where it was', () => {
    const schema = orderSchema.extend({ gone: z.boolean() })
    assert.deepEqual(payloads(judge([{ ...order('a'), gone: true }], { schema, deleted: '/gone' })), [
      { ...order('a'), gone: true, _deleted: 1 },
    ])
    const inside = judge([{ ...order('a'), meta: { gone: true } }], { deleted: '/meta/gone' })
    assert.deepEqual(payloads(inside), [{ ...order('a'), _extra: { meta: { gone: true } }, _deleted: 1 }])
    assert.deepEqual([...inside.drift.keys()], ['meta'])
  })

  test('may have a name with a slash or a tilde', () => {
    const judged = judge([{ ...order('a'), 'a/b~c': 1 }], { deleted: '/a~1b~0c' })
    assert.deepEqual(payloads(judged), [{ ...order('a'), _deleted: 1 }])
    assert.equal(judged.drift.size, 0)
  })

  test('may be a function of the raw record, before map', () => {
    const deleted = (raw: unknown) => (raw as { state?: string }).state === 'gone'
    const map = ({ state: _, ...rest }: Given) => rest
    assert.deepEqual(payloads(judge([{ ...order('a'), state: 'gone' }, order('b')], { deleted, map })), [
      { ...order('a'), _deleted: 1 },
      order('b'),
    ])
  })

  test('that throws makes a dead letter', () => {
    const deleted = (raw: unknown) => (raw as { state: string }).state.length > 0
    assert.equal(judge([order('a')], { deleted }).rejected[0]?.reason, 'deleted_failed')
  })

  test('a record that is gone may lack what a record needs, but neither key nor watermark', () => {
    const { id, updated_at } = order('a')
    const judged = judge(
      [
        { id, updated_at, total: null, deleted: true },
        { id, deleted: true },
        { updated_at, deleted: true },
        { id, updated_at },
      ],
      {
        deleted: '/deleted',
      },
    )
    assert.deepEqual(payloads(judged), [
      { id, updated_at, _extra: { total: null }, _extra_text: '{"total":null}', _deleted: 1 },
    ])
    assert.deepEqual(
      judged.rejected.map(({ issues }) => issues.split(':')[0]),
      ['updated_at', 'id', 'total'],
    )
    assert.equal(judged.drift.size, 0)
  })

  test('a record that is gone and fits is taken whole, and without a watermark its key is enough', () => {
    const whole = judge([{ ...order('a'), deleted: 1 }], { deleted: '/deleted' })
    assert.deepEqual(payloads(whole), [{ ...order('a'), _deleted: 1 }])
    const keyed = judge([{ id: 'a', deleted: 1, more: 2 }], { deleted: '/deleted', watermark: undefined })
    assert.deepEqual(payloads(keyed), [{ id: 'a', _extra: { more: 2 }, _deleted: 1 }])
    assert.deepEqual([...keyed.drift.keys()], ['more'])
  })

  test('of a record that is gone, a default stands for nothing that it has not', () => {
    const schema = orderSchema.extend({ state: z.string().default('open') })
    const { id, updated_at } = order('a')
    const judged = judge([{ id, updated_at, deleted: 1 }], { schema, deleted: '/deleted' })
    assert.deepEqual(payloads(judged), [{ id, updated_at, _deleted: 1 }])
  })

  test('of a record that is gone, the fields that fit are kept', () => {
    const schema = orderSchema.extend({ buyer: z.object({ name: z.string() }), note: z.string() })
    const { id, updated_at } = order('a')
    const judged = judge([{ id, updated_at, note: 'was here', buyer: 'x', deleted: 1 }], {
      schema,
      deleted: '/deleted',
    })
    assert.deepEqual(payloads(judged), [{ id, updated_at, note: 'was here', _extra: { buyer: 'x' }, _deleted: 1 }])
  })
})
