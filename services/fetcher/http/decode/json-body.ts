/**
 * A body that is JSON: the page that it holds, or why it holds none. A page's data is never quoted: only field names,
 * and what is found where JSON cannot have it.
 */

import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import { isNoContent } from '../status.ts'
import { defectOf } from '../transport/json-defect.ts'
import { parseJson } from '../transport/lossless-json.ts'
import { parseInSlices, TooManyElements } from '../transport/parse-in-slices.ts'
import type { BodyTools } from './records.ts'

export type JsonAnswer = { status: number; text: string; bytes: number; notes: readonly string[] }

/**
 * Throws AttemptFailed, or the signal's reason. Parses in slices, so that a large page does not block everything else.
 */
export async function jsonPage(answer: JsonAnswer, { elementsMax, pace, signal }: BodyTools): Promise<unknown> {
  if (isNoContent(answer.status)) return null
  refuseEmpty(answer)
  try {
    return await parseInSlices(answer.text, { elementsMax }, pace, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof TooManyElements ? tooMany(answer.bytes, elementsMax) : whyNotJson(answer)
  }
}

/**
 * Throws AttemptFailed. A page's data is never quoted: only field names, and what is found where JSON cannot have it.
 */
export function jsonOf(answer: JsonAnswer): unknown {
  if (isNoContent(answer.status)) return null
  refuseEmpty(answer)
  try {
    return parseJson(answer.text)
  } catch {
    throw whyNotJson(answer)
  }
}

function refuseEmpty({ text, status }: JsonAnswer): void {
  if (text.trim() === '') throw new AttemptFailed('cut', `the body is empty, with status ${status}: that is not JSON`)
}

export const tooMany = (bytes: number, elementsMax: number): AttemptFailed =>
  new AttemptFailed(
    'unreadable',
    `the body of ${bytes} bytes has more than ${elementsMax} elements ` +
      '(bodyElementsMax: objects and arrays, eight other values count as one); ' +
      'ask for smaller pages, or raise bodyElementsMax of the source and give the fetcher more memory',
  )

/** HTML is mostly a server in trouble, and a cut body may arrive whole next time; everything else recurs unchanged. */
function whyNotJson({ status, text, bytes, notes }: JsonAnswer): AttemptFailed {
  if (/^\s*</.test(text)) {
    return new AttemptFailed('not_json', `the body is HTML or XML with status ${status}, no JSON: ${excerptOf(text)}`)
  }
  const defect = defectOf(text)
  if (defect === null || defect.kind === 'cut') {
    const where = defect === null ? '' : ` (it ends at line ${defect.line}, column ${defect.column}, inside a value)`
    return new AttemptFailed('cut', `the body of ${bytes} bytes is cut or damaged JSON${where}`)
  }
  const place = `line ${defect.line}, column ${defect.column}`
  const before = defect.before === '' ? '' : ` behind ${excerptOf(defect.before)}`
  if (defect.kind === 'token' && defect.what.startsWith('<'))
    return new AttemptFailed(
      'not_json',
      `the body turns into HTML or XML at ${place}${before}: ${excerptOf(text.slice(defect.at))}`,
    )
  const said = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  if (defect.at === 0 || !/^\s*[[{]/.test(text))
    return new AttemptFailed('unreadable', `the body is not JSON, with status ${status}: ${excerptOf(text)}${said}`)
  const what =
    defect.kind === 'trailing' ? `the JSON is followed by ${excerptOf(defect.what)}` : `no JSON value is ${defect.what}`
  const lines = defect.what === 'another JSON value' ? '; lines of JSON, each a value, are not read' : ''
  return new AttemptFailed('unreadable', `${place}: ${what}${before}${lines}${said}`)
}
