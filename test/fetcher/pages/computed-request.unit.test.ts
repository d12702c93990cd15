import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import type { RequestContext } from '#shared/index.ts'
import { computedRequest } from '../../../services/fetcher/pages/computed-request.ts'
import { declareSource, streamOf } from '../http/fixture.ts'

const ASKED = { from: '2026-01-01', to: null, page: 2, cursor: 'c2' }

function computed(stream: Record<string, unknown>, asked: { cursor?: unknown } = {}) {
  const declared = streamOf(declareSource('https://api.shop.example', {}, { method: 'POST', ...stream }))
  return computedRequest(declared, 0, declared.partitions[0] ?? {}, { ...ASKED, ...asked })
}

/** Field, what its function returns, words of the message, words of the hint. */
const wrong: [string, unknown, RegExp, RegExp][] = [
  ['path', 'orders', /the function returns a string instead of a path for partition 0/, /starts with \//],
  ['path', undefined, /returns nothing instead of a path/, /starts with \//],
  ['params', [1], /returns a list/, /object of texts/],
  ['params', { a: { b: 1 } }, /returns an object as "a"/, /null omits a name/],
  ['params', { a: Number.NaN }, /returns the number NaN as "a"/, /null omits a name/],
  ['params', Promise.resolve({ a: 1 }), /returns a promise/, /at once/],
  ['form', 'a=1', /returns a string/, /object of texts/],
  ['headers', { 'X-A': 1 }, /a header "X-A" that cannot be sent/, /null omits a header/],
  [
    'headers',
    { Authorization: 'Bearer x' },
    /a header "Authorization" .* move it into auth/,
    /credentials go into auth/,
  ],
  ['headers', { 'X-A': 'a\nb' }, /a header "X-A" that cannot be sent/, /object of texts/],
  ['body', 7, /returns a number, no JSON body/, /plain JSON/],
  ['body', { at: 1n }, /a value that is not plain JSON/, /plain JSON/],
]

describe('a function of the request', () => {
  test('gets the partition, the ends, the page and the cursor, and nothing else', () => {
    const seen: RequestContext[] = []
    const path = (context: RequestContext) => {
      seen.push(context)
      return '/orders'
    }
    computed({ path, partitions: [{ region: 'eu' }, { region: 'us' }] })
    assert.deepEqual(seen, [{ ...ASKED, partition: 0, partitions: 2, values: { region: 'eu' } }])
  })

  test('sees a cursor that is an object as its text, and the first page as null', () => {
    const params = ({ cursor }: RequestContext) => ({ at: cursor })
    assert.deepEqual(computed({ params }, { cursor: { id: 7 } }).params, { at: '{"id":7}' })
    assert.deepEqual(computed({ params }, { cursor: [1, 'a'] }).params, { at: [1, 'a'] })
    assert.deepEqual(computed({ params }, { cursor: null }).params, { at: null })
  })

  test('makes each part of the request, beside parts that are written down', () => {
    const made = computed({
      path: ({ page }: RequestContext) => `/orders/${page}`,
      params: { a: [1] },
      headers: ({ from }: RequestContext) => ({ 'X-From': from, 'X-None': null }),
      body: ({ cursor }: RequestContext) => ({ query: `after ${cursor}`, none: undefined }),
    })
    assert.deepEqual(made, {
      ...{ path: '/orders/2', params: { a: [1] }, headers: { 'X-From': '2026-01-01' } },
      ...{ body: { query: 'after c2' }, form: undefined },
    })
    assert.equal(computed({ body: () => null }).body, undefined)
    assert.deepEqual(computed({ form: () => ({ a: [1, 2] }) }).form, { a: [1, 2] })
  })

  test('that throws is a mistake of the declaration that names field and partition', () => {
    const body = () => {
      throw new Error('no such shard')
    }
    assert.throws(
      () => computed({ body }),
      (error) =>
        error instanceof DeclarationError &&
        /^shop\.ts, stream orders, field body: the function throws for partition 0: Error: no such shard/.test(
          error.message,
        ) &&
        /page, cursor/.test(error.hint ?? ''),
    )
  })

  for (const [field, returned, words, hint] of wrong) {
    test(`${field} that returns ${typeof returned === 'object' ? JSON.stringify(returned, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) : String(returned)} is refused`, () => {
      assert.throws(
        () => computed({ [field]: () => returned }),
        (error) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.match(error.message, new RegExp(`field ${field}: `))
          assert.match(error.message, words)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }
})
