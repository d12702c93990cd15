import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSource } from '../../../shared/declaration/compile.ts'
import { todo } from '../../../shared/declaration/todo.ts'
import { DeclarationError } from '../../../shared/errors.ts'
import { cursor, z } from '../../../shared/index.ts'
import { STREAM } from '../../fetcher/declared.ts'

function refused(stream: Record<string, unknown>, source: Record<string, unknown> = {}): DeclarationError {
  try {
    compileSource(
      { name: 'shop', baseUrl: 'https://a.example', ...source, streams: { orders: { ...STREAM, ...stream } } },
      'shop.ts',
    )
  } catch (error) {
    assert.ok(error instanceof DeclarationError)
    return error
  }
  return assert.fail('it was accepted')
}

test('an open decision is refused with file, stream, field and question, before any other mistake', () => {
  const error = refused({ paginate: todo('How does it page?'), primaryKey: ['nothing'] })
  assert.equal(error.message, 'shop.ts, stream orders, field paginate: to decide: How does it page?')
  assert.equal(error.hint, 'replace todo(…) there with the answer')
  assert.deepEqual(error.all, [])
})

test('several are all named, inside of a value and of the source too', () => {
  const error = refused(
    { paginate: cursor({ next: '/next', param: todo('Which?') }) },
    { quota: { requests: todo('How many?'), per: '1m' } },
  )
  assert.deepEqual(
    error.all.map(({ message }) => message),
    [
      'shop.ts, field quota.requests: to decide: How many?',
      'shop.ts, stream orders, field paginate.param: to decide: Which?',
    ],
  )
  assert.match(error.hint ?? '', /headrace check lists 1 more/)
})

test('a declaration without one is compiled, whatever its schema holds', () => {
  const schema = z.object({ id: z.string(), kind: z.literal('todo'), updated_at: z.iso.datetime() })
  const input = { name: 'shop', baseUrl: 'https://a.example', streams: { orders: { ...STREAM, schema } } }
  assert.equal(compileSource(input, 'shop.ts').streams.length, 1)
})
