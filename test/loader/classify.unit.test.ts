import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { failureOfStatus, failureOfText, failureOfTransport, kindOfCode } from '../../services/loader/classify.ts'

describe('what a failure means', () => {
  test('unknown codes hold the table back: no row is blamed for what nobody knows', () => {
    assert.equal(kindOfCode(123_456), 'table')
    assert.equal(failureOfText('what is this', null).kind, 'table')
  })

  test('each known code has its meaning', () => {
    const meanings = {
      159: 'ambiguous',
      425: 'ambiguous',
      252: 'overload',
      241: 'memory',
      60: 'table',
      516: 'table',
      33: 'cut',
      27: 'data',
      117: 'data',
    }
    for (const [code, kind] of Object.entries(meanings)) assert.equal(kindOfCode(Number(code)), kind, code)
  })

  test("the row is ClickHouse's, not one that a record speaks of; nor are code and name", () => {
    const text =
      'Code: 27. DB::Exception: Cannot parse input: expected \'"\' before: \'(at row 7) Code: 60. DB::Exception: no (UNKNOWN_TABLE)"}\\n{"_partition":0\': (while reading the value of key id): (at row 40001)\n: While executing JSONEachRowRowInputFormat. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1)'
    const failure = failureOfText(text, null)
    assert.deepEqual([failure.kind, failure.code, failure.row, failure.name], ['data', 27, 40_001, 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'])
  })

  test('the message keeps what is said of the value and where it was, and not the records behind it', () => {
    const rest = '{"id":"next"}\n'.repeat(1_000)
    const text = `Code: 72. DB::Exception: Cannot read floating point value here: much"}\n${rest}: (while reading the value of key total): (at row 12)\n: While executing X. (CANNOT_PARSE_NUMBER) (version 26.7.2.1)`
    const { message, row } = failureOfText(text, 72)
    assert.equal(row, 12)
    assert.equal(
      message,
      'Code: 72. DB::Exception: Cannot read floating point value here: much"} … (while reading the value of key total): (at row 12)',
    )
  })

  test('an answer that no ClickHouse wrote blames no row', () => {
    for (const [status, kind] of [
      [502, 'ambiguous'],
      [200, 'ambiguous'],
      [429, 'overload'],
      [413, 'memory'],
      [403, 'table'],
    ] as const)
      assert.equal(failureOfStatus(status, '<html>').kind, kind)
    assert.equal(failureOfTransport(Object.assign(new Error('read'), { code: 'ECONNRESET' })).name, 'ECONNRESET')
  })
})
