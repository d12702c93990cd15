/** Reads lines of JSON (JSON Lines), each an object, with the exact numbers of JSON. Blank lines are skipped. */

import { excerptOf } from '../describe.ts'
import type { AttemptFailed } from '../errors.ts'
import { defectOf } from '../transport/json-defect.ts'
import { parseJson } from '../transport/lossless-json.ts'
import { cut, type RecordReader, unreadable } from './records.ts'

/** `recordBytesMax`: of one line. */
export function jsonlReader(recordBytesMax = Number.POSITIVE_INFINITY): RecordReader {
  let line = 0
  /** The beginning of a line whose end is not read yet. */
  let begun: string[] = []
  let begunChars = 0

  function objectIn(text: string, isLast: boolean): unknown {
    refuseLarge(text.length, text)
    try {
      const value = parseJson(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
    } catch {
      throw whyNot(text, line, isLast)
    }
    throw unreadable(
      `the body is not lines of JSON objects: line ${line} is ${text.startsWith('[') ? 'an array' : 'a value'}`,
    )
  }

  function refuseLarge(chars: number, text?: string): void {
    // A character takes three bytes at most.
    if (chars * 3 <= recordBytesMax) return
    if (text === undefined ? chars <= recordBytesMax : Buffer.byteLength(text) <= recordBytesMax) return
    throw unreadable(`line ${line}: a record is larger than ${recordBytesMax} bytes (recordBytesMax)`)
  }

  return {
    read(text) {
      const lines = text.split('\n')
      const rest = lines.pop() ?? ''
      const records: unknown[] = []
      for (const [at, each] of lines.entries()) {
        line += 1
        const whole = at === 0 && begun.length > 0 ? begun.join('') + each : each
        if (whole.trim() !== '') records.push(objectIn(whole, false))
        begun = []
        begunChars = 0
      }
      if (rest !== '') begun.push(rest)
      begunChars += rest.length
      refuseLarge(begunChars)
      return records
    },
    end() {
      const whole = begun.join('')
      begun = []
      line += 1
      return whole.trim() === '' ? [] : [objectIn(whole, true)]
    },
  }
}

function whyNot(text: string, line: number, isLast: boolean): AttemptFailed {
  const defect = defectOf(text)
  if (defect === null) return unreadable(`the body is not lines of JSON: line ${line}`)
  if (defect.kind === 'cut')
    return isLast
      ? cut(`the body is cut: it ends at line ${line}, column ${defect.column}, inside a value`)
      : unreadable(`the body is not lines of JSON: line ${line} ends inside a value`)
  const what = defect.kind === 'trailing' ? 'something follows the value' : `no JSON value is ${excerptOf(defect.what)}`
  return unreadable(`the body is not lines of JSON: line ${line}, column ${defect.column}: ${what}`)
}
