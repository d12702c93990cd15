/**
 * What a line of the log says, in both forms: an error once, with its hint; nothing that a terminal obeys; nothing
 * without end.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { createLog, type Log } from '#shared/log.ts'

const HOSTILE = 'a\u001b[31mb\u009b2Jc\u0085d\u202ee\u2028f\u200bg\rh\ni\ud800'
const SHOWN = 'a\\u001b[31mb\\u009b2Jc\\u0085d\\u202ee\\u2028f\\u200bg\\u000dh\\u000ai\\ud800'
/** But for the newline that ends a line. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function logged(write: (log: Log) => void, pretty = false, colours = false): string[] {
  const lines: string[] = []
  write(createLog({ name: 'fetcher', level: 'info', pretty, colours, write: (line) => void lines.push(line) }))
  return lines
}

describe('a foreign text in the log', () => {
  const write = (log: Log) =>
    log
      .child({ stream: HOSTILE })
      .warn(
        { path: HOSTILE, [HOSTILE]: [{ deep: HOSTILE }], err: new Stopped('HR_X', HOSTILE, { hint: HOSTILE }) },
        `field ${HOSTILE}`,
      )

  test('steers no terminal as JSON: message, fields, names, errors and hints, also for who decodes the line', () => {
    const [line = '', ...others] = logged(write)
    assert.deepEqual(others, [])
    assert.doesNotMatch(line, UNSAFE)
    assert.equal(line.indexOf('\n'), line.length - 1)
    const said = JSON.parse(line)
    assert.deepEqual(
      [said.msg, said.path, said.stream, said[SHOWN]],
      [`field ${SHOWN}`, SHOWN, SHOWN, [{ deep: SHOWN }]],
    )
    assert.deepEqual(said.err, { type: 'Stopped', code: 'HR_X', message: SHOWN, hint: SHOWN })
  })

  test('steers no terminal in the pretty form, and begins no line of its own', () => {
    const text = logged(write, true).join('')
    assert.doesNotMatch(text, UNSAFE)
    assert.match(text, /field a\\u001b\[31mb/)
    assert.doesNotMatch(text, /^i/m)
    // Our own colours alone.
    const coloured = logged(write, true, true).join('').split('\u001b[')
    assert.ok(coloured.length > 1)
    for (const part of coloured) assert.doesNotMatch(part, UNSAFE)
    for (const part of coloured.slice(1)) assert.match(part, /^(3\d|90)m/)
  })

  test('of 100,000 characters, fifty times, takes no megabytes', () => {
    const names = Array.from({ length: 50 }, (_, at) => 'x'.repeat(100_000) + at)
    const lines = logged((log) => names.forEach((path) => void log.warn({ path }, 'field')))
    assert.ok(lines.join('').length < 50 * 9_000)
    assert.match(JSON.parse(lines[0] ?? '').path, /^x+…$/)
  })

  test('that is harmless stays as it is', () => {
    const [line = ''] = logged((log) => log.info({ path: 'größe', example: '日本語 "quoted" \\' }, 'a field'))
    const { path, example, msg } = JSON.parse(line)
    assert.deepEqual([path, example, msg], ['größe', '日本語 "quoted" \\', 'a field'])
  })
})

describe('an error in the log', () => {
  const MESSAGE = 'GET /orders was refused with 403'

  test('says its message once, its code, and what to do', () => {
    const [line = ''] = logged((log) =>
      log.error({ err: new Stopped('HR_PAGE_REFUSED', MESSAGE, { hint: 'ask for access' }) }, 'run failed'),
    )
    assert.equal(line.split(MESSAGE).length, 2)
    assert.deepEqual(JSON.parse(line).err, {
      type: 'Stopped',
      code: 'HR_PAGE_REFUSED',
      message: MESSAGE,
      hint: 'ask for access',
    })
    assert.match(
      logged((log) => log.error({ err: new Stopped('HR_X', MESSAGE, { hint: 'ask' }) }, 'x'), true).join(''),
      /"hint": "ask"/,
    )
  })

  test('that is a defect has its place, and its message once', () => {
    const [line = ''] = logged((log) => log.error({ err: new TypeError(MESSAGE) }, 'defect'))
    assert.equal(line.split(MESSAGE).length, 2)
    const { err } = JSON.parse(line)
    assert.equal(err.type, 'TypeError')
    assert.match(err.stack, /^ {4}at .*log\.unit\.test\.ts/)
  })

  test('is not repeated by the text beside it', () => {
    const error = new Stopped('HR_X', MESSAGE)
    const [line = '', other = ''] = logged((log) => {
      log.error({ err: error }, `run failed: ${error.message}`)
      log.error({ err: error }, 'run failed: see above')
    })
    assert.deepEqual(
      [line.split(MESSAGE).length, JSON.parse(line).msg, JSON.parse(other).msg],
      [2, 'run failed', 'run failed: see above'],
    )
  })
})
