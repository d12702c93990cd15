import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Failure,
  failureOfStatus,
  failureOfText,
  failureOfTransport,
  kindOfCode,
  needsPerson,
  ofTable,
  tableFailure,
} from '../../../services/loader/failures/classify-error.ts'

describe('what a failure means', () => {
  test('unknown codes hold the table back: no row is blamed for what nobody knows', () => {
    assert.equal(kindOfCode(123_456), 'table')
    assert.equal(failureOfText('what is this', null).kind, 'table')
  })

  test('each known code has its meaning', () => {
    const names: Record<Failure['kind'], Record<string, number>> = {
      ambiguous: {
        ...{
          TIMEOUT_EXCEEDED: 159,
          SOCKET_TIMEOUT: 209,
          NETWORK_ERROR: 210,
          ABORTED: 236,
          ALL_CONNECTION_TRIES_FAILED: 279,
        },
        ...{ UNKNOWN_STATUS_OF_INSERT: 319, QUERY_WAS_CANCELLED: 394, SYSTEM_ERROR: 425, KEEPER_EXCEPTION: 999 },
      },
      overload: {
        ...{
          TOO_MANY_SIMULTANEOUS_QUERIES: 202,
          NO_FREE_CONNECTION: 203,
          TOO_MANY_PARTS: 252,
          RECEIVED_ERROR_TOO_MANY_REQUESTS: 364,
        },
      },
      memory: { MEMORY_LIMIT_EXCEEDED: 241 },
      table: {
        ...{
          NO_SUCH_COLUMN_IN_TABLE: 16,
          UNKNOWN_IDENTIFIER: 47,
          UNKNOWN_TABLE: 60,
          SYNTAX_ERROR: 62,
          UNKNOWN_DATABASE: 81,
        },
        ...{ UNKNOWN_SETTING: 115, INCOMPATIBLE_COLUMNS: 122, READONLY: 164, UNKNOWN_USER: 192, WRONG_PASSWORD: 193 },
        ...{
          REQUIRED_PASSWORD: 194,
          TABLE_IS_READ_ONLY: 242,
          NOT_ENOUGH_SPACE: 243,
          ACCESS_DENIED: 497,
          AUTHENTICATION_FAILED: 516,
        },
      },
      cut: { UNEXPECTED_END_OF_FILE: 3, CANNOT_READ_ALL_DATA: 33 },
      data: {
        ...{
          CANNOT_PARSE_TEXT: 6,
          NOT_FOUND_COLUMN_IN_BLOCK: 10,
          CANNOT_PARSE_ESCAPE_SEQUENCE: 25,
          CANNOT_PARSE_QUOTED_STRING: 26,
        },
        ...{
          CANNOT_PARSE_INPUT_ASSERTION_FAILED: 27,
          CANNOT_PARSE_DATE: 38,
          CANNOT_PARSE_DATETIME: 41,
          TYPE_MISMATCH: 53,
        },
        ...{ ARGUMENT_OUT_OF_BOUND: 69, CANNOT_CONVERT_TYPE: 70, CANNOT_PARSE_NUMBER: 72, INCORRECT_DATA: 117 },
        ...{ TOO_LARGE_ARRAY_SIZE: 128, CANNOT_READ_ARRAY_FROM_TEXT: 130, TOO_LARGE_STRING_SIZE: 131 },
        ...{
          VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE: 321,
          CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN: 349,
          CANNOT_PARSE_UUID: 376,
        },
        ...{
          DECIMAL_OVERFLOW: 407,
          CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING: 441,
          CANNOT_PARSE_BOOL: 467,
          VIOLATED_CONSTRAINT: 469,
        },
        ...{ CANNOT_PARSE_IPV4: 675, CANNOT_PARSE_IPV6: 676, UNKNOWN_ELEMENT_OF_ENUM: 691 },
      },
    }
    for (const [kind, codes] of Object.entries(names)) {
      for (const [name, code] of Object.entries(codes)) {
        assert.equal(kindOfCode(code), kind, name)
        const known = { kind, code, name, message: `Code: ${code}. DB::Exception: x (${name})`, row: null }
        assert.deepEqual(failureOfText(known.message, null), known)
      }
    }
  })

  test("the header's code counts more than the text's; without either, the table is to blame", () => {
    assert.deepEqual(failureOfText('Code: 27. DB::Exception: x', 241), {
      ...{ kind: 'memory', code: 241, name: 'CODE_241', message: 'Code: 27. DB::Exception: x', row: null },
    })
    assert.deepEqual(failureOfText(' what is this ', null), {
      ...{ kind: 'table', code: null, name: 'UNKNOWN', message: 'what is this', row: null },
    })
    assert.equal(failureOfText('Code: 27. DB::NetException: x', null).code, 27)
  })

  test('the last of several rows, names and places is the one that ClickHouse means', () => {
    const place = (row: number) => `(while reading the value of key k${row}): (at row ${row})`
    const text = `Code: 27. DB::Exception: bad (FIRST)\n${place(1)} (SECOND)\n${place(2)}\n${place(3)} (THIRD)`
    assert.deepEqual(failureOfText(text, null), {
      ...{
        kind: 'data',
        code: 27,
        name: 'THIRD',
        row: 3,
        message: `Code: 27. DB::Exception: bad (FIRST) … ${place(3)}`,
      },
    })
  })

  test("the row is ClickHouse's, not one that a record speaks of; nor are code and name", () => {
    const text =
      'Code: 27. DB::Exception: Cannot parse input: expected \'"\' before: \'(at row 7) Code: 60. DB::Exception: no (UNKNOWN_TABLE)"}\\n{"_partition":0\': (while reading the value of key id): (at row 40001)\n: While executing JSONEachRowRowInputFormat. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1)'
    const failure = failureOfText(text, null)
    assert.deepEqual(
      [failure.kind, failure.code, failure.row, failure.name],
      ['data', 27, 40_001, 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
    )
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

  test('the message ends where the records begin, and is cut where it is long', () => {
    const message = (text: string) => failureOfText(text, 27).message
    assert.equal(message('bad value \\n{"id":1}'), 'bad value')
    assert.equal(message('bad value\n{"id":1} (at row 4)\n'), 'bad value … (at row 4)')
    assert.equal(message('bad value (at row 4)'), 'bad value (at row 4)')
    assert.equal(message('\n(at row 4)'), ' … (at row 4)')
    for (const [chars, isCut] of [
      [500, false],
      [501, true],
    ] as const)
      assert.equal(message('x'.repeat(chars)) !== 'x'.repeat(chars), isCut)
  })

  test('what is said of rows that are nobody else, or of none, is the fault of the table', () => {
    const of = (kind: Failure['kind']): Failure => ({ ...tableFailure('N', 'm'), kind, code: 5, row: 2 })
    for (const kind of ['data', 'cut', 'memory'] as const) assert.deepEqual(ofTable(of(kind)), of('table'))
    for (const kind of ['ambiguous', 'overload', 'table'] as const) assert.deepEqual(ofTable(of(kind)), of(kind))
    assert.equal(ofTable(null), null)
  })

  test('a table waits for a person, unless a Keeper or replicas are missing, which come back', () => {
    const of = (kind: Failure['kind'], code: number | null) => needsPerson({ ...tableFailure('N', 'm'), kind, code })
    for (const code of [null, 60, 497, 123_456]) assert.equal(of('table', code), true, `${code}`)
    // NO_ZOOKEEPER, TABLE_IS_READ_ONLY, NO_ACTIVE_REPLICAS, TOO_FEW_LIVE_REPLICAS,
    // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, TABLE_WAS_NOT_DROPPED
    for (const code of [225, 242, 254, 285, 286, 305]) assert.equal(of('table', code), false, `${code}`)
    for (const kind of ['ambiguous', 'overload', 'memory', 'data', 'cut'] as const)
      assert.deepEqual([of(kind, null), of(kind, 60)], [false, false])
    assert.deepEqual(tableFailure('N', 'm'), { kind: 'table', code: null, name: 'N', message: 'm', row: null })
  })

  test('an answer that no ClickHouse wrote blames no row', () => {
    const kinds = {
      ambiguous: [200, 204, 299, 408, 500, 502, 504],
      overload: [429],
      memory: [413],
      table: [300, 302, 400, 401, 403, 404, 407, 409, 412, 414, 428, 430, 499],
    }
    for (const [kind, statuses] of Object.entries(kinds)) {
      for (const status of statuses) {
        const failure = { kind, code: null, name: `HTTP_${status}`, message: `HTTP ${status}: <html>`, row: null }
        assert.deepEqual(failureOfStatus(status, '<html>'), failure)
      }
    }
  })

  test('without an answer an insert may have gone in; its name is that of the socket where there is one', () => {
    const failure = { kind: 'ambiguous', code: null, row: null }
    const named = Object.assign(new Error('read'), { code: 'ECONNRESET' })
    assert.deepEqual(failureOfTransport(named), { ...failure, name: 'ECONNRESET', message: 'read' })
    for (const error of [new Error('read'), Object.assign(new Error('read'), { code: 7 }), 'read']) {
      assert.deepEqual(failureOfTransport(error), { ...failure, name: 'NO_ANSWER', message: 'read' })
    }
    assert.equal(failureOfTransport({ code: 'ECONNRESET' }).name, 'NO_ANSWER')
  })
})
