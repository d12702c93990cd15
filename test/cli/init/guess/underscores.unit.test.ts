import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renamed, renamingOf } from '../../../../services/cli/init/guess/underscores.ts'

test('records without such names are not renamed', () => {
  assert.equal(renamingOf([{ id: 1, a_b: 2 }]), null)
  assert.deepEqual(renamed({ id: 1 }, null), { id: 1 })
})

test('the name loses its _, or gets one at its end where another field has the name', () => {
  const of = (record: Record<string, unknown>) => renamed(record, renamingOf([record]))
  assert.deepEqual(of({ _id: 1, __v: 2, name: 3 }), { id: 1, v: 2, name: 3 })
  assert.deepEqual(of({ _id: 1, id: 2 }), { id_: 1, id: 2 })
  assert.deepEqual(of({ _v: 1, __v: 2 }), { v_: 2 })
})
