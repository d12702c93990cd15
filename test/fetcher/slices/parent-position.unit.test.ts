import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createParentPosition } from '../../../services/fetcher/slices/parent-position.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, instant, order } from '../declared.ts'

const stream = declareOrders({ watermark: { field: 'updated_at', param: 'since', lookback: '10s', sorted: true } })
const valid = (...seconds: number[]) =>
  createValidator(stream)(seconds.map((second) => order(`o${second}`, second))).records
const ms = (second: number) => Date.parse(instant(second))
const page = (fetchedSecond: number, more: Record<string, unknown> = {}) =>
  ({ response: { headers: {}, fetchedMs: ms(fetchedSecond) }, ...more }) as never

describe('the position that the records of a parent reach', () => {
  test('is the highest that was seen, in whatever order', () => {
    const position = createParentPosition(stream, null, ms(100))
    position.see(page(101), valid(5, 30))
    position.see(page(102), valid(20))
    assert.equal(position.reached(), instant(30))
  })

  test('is that from which they are read where nothing has changed, and null where nothing was ever seen', () => {
    assert.equal(createParentPosition(stream, instant(7), ms(100)).reached(), instant(7))
    assert.equal(createParentPosition(stream, null, ms(100)).reached(), null)
  })

  test('never passes the time at which reading began, nor that of a clock that was set back', () => {
    const position = createParentPosition(stream, instant(7), ms(100) + 400)
    position.see(page(101), valid(150))
    assert.equal(position.reached(), instant(100))
    position.see(page(90), valid())
    assert.equal(position.reached(), instant(90))
  })

  test('is by the clock of the API where this one is ahead', () => {
    const position = createParentPosition(stream, null, ms(100))
    const date = new Date(ms(81)).toUTCString()
    position.see(page(101, { response: { headers: { date }, fetchedMs: ms(101) } }), valid(150))
    assert.equal(position.reached(), instant(80))
  })

  test('stays when a page may be the end too early', () => {
    const position = createParentPosition(stream, instant(7), ms(100))
    position.see(page(101, { incomplete: 'no next page' }), valid(30))
    position.see(page(102), valid(40))
    assert.equal(position.reached(), instant(7))
  })
})

test('a record has changed from the position less the lookback on; read from the start, every record has', () => {
  const [at9, at10, at50] = valid(9, 10, 50)
  const since = createParentPosition(stream, instant(20), ms(100))
  assert.deepEqual(
    [at9, at10, at50].map((each) => each !== undefined && since.isChanged(each)),
    [false, true, true],
  )
  const all = createParentPosition(stream, null, ms(100))
  assert.equal(at9 !== undefined && all.isChanged(at9), true)
})
