/** Foreign text as it may be shown: nothing in it steers a terminal, hides, or is longer than its bound. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cutText, shownName, shownText, shownValue, withoutControls } from '#shared/shown.ts'

const HOSTILE: readonly [what: string, text: string, shown: string][] = [
  ['ANSI colours', '\u001b[31mred', '\\u001b[31mred'],
  ['an ANSI title', 'a\u001b]0;owned\u0007b', 'a\\u001b]0;owned\\u0007b'],
  ['a C1 control sequence', '\u009b2J', '\\u009b2J'],
  ['a C1 next line', 'a\u0085b', 'a\\u0085b'],
  ['a carriage return', 'failed\rdone', 'failed\\u000ddone'],
  ['a newline', 'a\nheadrace: all is well', 'a\\u000aheadrace: all is well'],
  ['a delete and a backspace', 'a\u007f\u0008', 'a\\u007f\\u0008'],
  ['a right-to-left override', 'gpj\u202etxt.exe', 'gpj\\u202etxt.exe'],
  ['marks and isolates', '\u200e\u200f\u061c\u2066\u2069', '\\u200e\\u200f\\u061c\\u2066\\u2069'],
  ['line and paragraph separators', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['what has no width', 'pass\u200bword\ufeff\u2060', 'pass\\u200bword\\ufeff\\u2060'],
  ['a tag beyond the basic plane', 'a\u{e0041}b', 'a\\udb40\\udc41b'],
  ['lone surrogates', 'a\ud800b\udc00', 'a\\ud800b\\udc00'],
]

describe('a foreign text', () => {
  for (const [what, text, shown] of HOSTILE) {
    test(`is shown with ${what} escaped`, () => {
      assert.equal(shownText(text), shown)
      assert.equal(shownText(shown), shown)
      // The escapes are JSON's, so nothing is lost.
      assert.equal(
        shown.replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        text,
      )
    })
  }

  test('stays as it is where nothing in it is hostile', () => {
    for (const text of ['', 'total', 'größe', '日本語', 'цена', '🚀', 'a.b[].c', 'C:\\users\\x', '{"a":"\\n"}'])
      assert.equal(shownText(text), text)
  })

  test('JSON without controls parses to the true value, and lines of ours stay lines', () => {
    const value = { [HOSTILE.map(([, text]) => text).join('')]: HOSTILE.map(([, text]) => text) }
    const json = withoutControls(JSON.stringify(value))
    assert.doesNotMatch(json, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    assert.deepEqual(JSON.parse(json), value)
    assert.equal(withoutControls('one\ntwo\u001b'), 'one\ntwo\\u001b')
  })
})

describe('a name', () => {
  test('of 100,000 characters is cut, says how long it was, and is never cut inside a character', () => {
    const cut = `${'x'.repeat(99)}… (100000 characters)`
    assert.deepEqual([shownName('x'.repeat(100_000)), shownName(cut)], [cut, cut])
    assert.equal(shownName(`${'x'.repeat(100)}${'🚀'.repeat(1_000)}`), `${'x'.repeat(100)}… (2100 characters)`)
    assert.equal(shownName(`${'x'.repeat(102)}${'🚀'.repeat(1_000)}`), `${'x'.repeat(101)}… (2102 characters)`)
    const hostile = shownName('\u001b'.repeat(119))
    assert.deepEqual([hostile, shownName(hostile)], [`${'\\u001b'.repeat(17)}… (119 characters)`, hostile])
    for (let max = 1; max < 10; max++) assert.doesNotMatch(cutText('🚀🚀🚀🚀🚀🚀', max), /\p{Cs}/u)
  })

  test('within the bound stays as it is', () => {
    assert.equal(shownName('line_items[].sku'), 'line_items[].sku')
    assert.equal(shownName('x'.repeat(120)), 'x'.repeat(120))
  })
})

test('a value is shown with its names and texts escaped and cut, at any depth that it may have', () => {
  const options = { charsMax: 10, multiline: new Set(['stack']) }
  let deep: unknown = 'end'
  for (let depth = 0; depth < 50_000; depth++) deep = [deep]
  const shown = shownValue(
    { 'a\u001b': ['\u009b', { b: 'x'.repeat(20) }], stack: 'a\nb\r', n: 1, none: null, deep },
    options,
  )
  const { deep: shownDeep, ...rest } = shown as { deep: unknown }
  assert.deepEqual(rest, {
    'a\\u001b': ['\\u009b', { b: `${'x'.repeat(9)}…` }],
    stack: 'a\nb\\u000d',
    n: 1,
    none: null,
  })
  assert.ok(JSON.stringify(shownDeep).length < 50)
})
