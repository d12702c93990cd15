import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { waitPlace, waitsSpec } from '#shared/declaration/waits.ts'
import { DeclarationError } from '#shared/errors.ts'
import { declareOrders, declareShop } from '../../fetcher/declared.ts'

describe('declared waits', () => {
  for (const [waits, says] of [
    [[], /field answers\.waits: is empty/],
    [[{}], /field answers\.waits\[0\]: names one of header and body/],
    [[{ header: 'a', body: '/b' }], /field answers\.waits\[0\]: names one of header and body/],
    [[{ header: 'a b' }], /field answers\.waits\[0\]\.header: expected the name of a header/],
    [[{ body: 'b' }], /field answers\.waits\[0\]\.body: expected a JSON pointer/],
    [[{ header: 'a', unit: 'h' }], /field answers\.waits\[0\]\.unit: is "h", expected s or ms/],
    [[{ header: 'a', as: 'date' }], /field answers\.waits\[0\]\.as: is "date", expected delta or epoch/],
  ] as const) {
    test(`refuse ${JSON.stringify(waits)}`, () => {
      for (const declare of [
        () => declareOrders({ answers: { waits } }),
        () => declareShop({}, { answers: { waits } }),
      ])
        assert.throws(
          declare,
          (error) => error instanceof DeclarationError && says.test(error.message) && error.hint !== '',
        )
    })
  }

  test('of a stream replace those of its source, and headers are in lower case', () => {
    const source = { answers: { waits: [{ header: 'X-A' }] } }
    assert.deepEqual(declareShop({}, source).streams[0]?.answers.waits, [{ header: 'x-a' }])
    const waits = [{ body: '/wait', unit: 's' }]
    assert.deepEqual(declareShop({ answers: { waits } }, source).streams[0]?.answers.waits, waits)
    assert.deepEqual(declareOrders().answers.waits, [])
  })

  test('are named by their place', () => {
    assert.deepEqual(waitsSpec.parse([{ header: 'A' }, { body: '/b' }]).map(waitPlace), [
      'the header a',
      'the body at "/b"',
    ])
  })
})
