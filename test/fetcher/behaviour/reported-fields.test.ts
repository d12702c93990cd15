/**
 * Fields that the declaration keeps or drops are named once for the stream: not by each partition, nor by each run that
 * a timer starts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiRecord, startApi } from '../../support/api.ts'
import { declareShop, order } from '../declared.ts'
import { ownPlace } from '../fetching.ts'

const FIELDS = 16
const withFields = (id: string, at: number, count: number): ApiRecord =>
  ({
    ...order(id, at),
    ...Object.fromEntries(Array.from({ length: count }, (_, field) => [`field_${field}`, field])),
  }) as ApiRecord

/** The fields of each line that names unknown ones. */
const told = (log: readonly string[]): string[][] =>
  log
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => /does not declare/.test(msg))
    .map(({ fields }) => fields)

for (const unknownFields of ['keep', 'drop', 'columns'] as const) {
  test(`fields that are named are named once, over partitions and runs of new processes: ${unknownFields}`, async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.put(withFields('o1', 1, FIELDS))
    const source = declareShop(
      { unknownFields, partitions: [{ region: 'eu' }, { region: 'us' }] },
      { baseUrl: api.url },
    )

    const first = told((await place.fetchOnce(source)).log)
    assert.deepEqual(
      first.map((fields) => fields.length),
      [FIELDS],
    )
    // A run that brings nothing forgets nothing.
    api.script = () => ({ json: { data: [], next: null } })
    assert.deepEqual(told((await place.fetchOnce(source)).log), [])
    api.script = undefined
    api.put(withFields('o2', 2, FIELDS))
    assert.deepEqual(told((await place.fetchOnce(source)).log), [])
    api.put(withFields('o3', 3, FIELDS + 1))
    assert.deepEqual(told((await place.fetchOnce(source)).log), [
      [`field_${FIELDS}: number, a whole number of 2 digits`],
    ])
  })
}
