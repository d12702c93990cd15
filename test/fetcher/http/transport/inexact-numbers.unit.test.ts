import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { quoteInexact } from '../../../../services/fetcher/http/transport/inexact-numbers.ts'
import { parseJson } from '../../../../services/fetcher/http/transport/lossless-json.ts'
import { between, randomFrom } from '../../../support/random.ts'
import { testSeed } from '../../../support/seed.ts'
import { parseByTokens } from './parse-by-tokens.ts'

const seed = testSeed()
const TEXTS = 20_000

/** The value with the order of its fields, or that there is none. */
function outcome(parse: (text: string) => unknown, text: string): string {
  try {
    return shown(parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return 'a SyntaxError'
    throw error
  }
}

function shown(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(shown).join(',')}]`
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  return `{${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${shown(inner)}`)}}`
}

const NUMBERS = [
  ...['0', '-0', '1.0', '1e5', '-1E-5', '1.50', '12345', '9007199254740991', '9007199254740993', '-9007199254740993'],
  ...['18446744073709551615', '1e400', '1E400', '-4.5e-400', '0e999', '0.0E-999', '12e+0300', '5e0001', '1.10000'],
  ...['0.30000000000000004', '0.12345678901234567891', '1234567890123.123456789', '1.50000000000000000000000'],
  ...['1.7976931348623157e308', '64.18917375686578', '0.00000000000000000000123456789012345678', '1'.repeat(400)],
] as const
/** Texts that look like what surrounds a number. */
const PIECES = [
  ...[
    'a',
    ' ',
    ':',
    ',',
    '[',
    ']',
    '{',
    '}',
    '\\"',
    '\\\\',
    '\\/',
    '\\u0022',
    '\\n',
    'e',
    'E',
    '-',
    '+',
    '.',
    'é',
    '€',
  ],
  ...['\\"id\\":', '\\":9007199254740993,', ':9007199254740993,', ' 9007199254740993', '1e400', '9007199254740993'],
  ...['12345678901234567890,', '[1e999,', '\\\\\\\\'],
] as const
const SPACES = ['', '', '', '', ' ', '\n', '\t ', '\r\n'] as const
const NAMES = ['"__proto__"', '"id"', '"id"', '""', '":"', '"a:"', '"a,"', '"["', '"9007199254740993"'] as const

function textFrom(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[between(random, 0, from.length - 1)] as T
  const many = (least: number, most: number, make: () => string): string[] =>
    Array.from({ length: between(random, least, most) }, make)
  const string = () => `"${many(0, 4, () => pick(PIECES)).join('')}"`
  const name = () => (random() < 0.5 ? string() : pick(NAMES))
  const spaced = (parts: readonly string[]) => parts.map((part) => pick(SPACES) + part + pick(SPACES))
  const value = (depth: number): string => {
    const kind = random()
    if (depth === 0 || kind < 0.4) return pick(NUMBERS)
    if (kind < 0.55) return string()
    if (kind < 0.6) return pick(['true', 'false', 'null'])
    if (kind < 0.8) return `[${spaced(many(0, 5, () => value(depth - 1))).join(',')}]`
    return `{${many(0, 5, () => `${spaced([name()])[0]}:${spaced([value(depth - 1)])[0]}`).join(',')}}`
  }
  return spaced([value(4)])[0] as string
}

/** One character dropped, doubled or replaced, or the text cut there. */
function damaged(text: string, random: () => number): string {
  const at = between(random, 0, text.length - 1)
  const rest = text.slice(at + 1)
  const kind = between(random, 0, 3)
  if (kind === 0) return text.slice(0, at) + rest
  if (kind === 1) return text.slice(0, at + 1) + text.slice(at)
  if (kind === 2) return text.slice(0, at)
  return text.slice(0, at) + ('":,[]{}0-e\\ '[between(random, 0, 11)] as string) + rest
}

describe('inexact numbers', () => {
  test('become texts in every JSON text, and nothing else changes', () => {
    const random = randomFrom(seed)
    for (let index = 0; index < TEXTS; index++) {
      const text = textFrom(random)
      assert.equal(outcome(parseJson, text), outcome(parseByTokens, text), `seed ${seed}, text ${index}: ${text}`)
    }
  })

  test('make no damaged text valid, and no other value of one that still is', () => {
    const random = randomFrom(seed + 1)
    for (let index = 0; index < TEXTS; index++) {
      const text = damaged(textFrom(random), random)
      assert.equal(outcome(parseJson, text), outcome(parseByTokens, text), `seed ${seed}, text ${index}: ${text}`)
    }
  })

  test('in the place of a name stay a mistake', () => {
    for (const text of ['{9007199254740993:1}', '{ 9007199254740993 :1}', '{"a":1,9007199254740993:1}', '[1 1e400]'])
      assert.throws(() => parseJson(text), SyntaxError, text)
  })

  test('are not searched for again and again in long texts that only look like numbers', () => {
    const repeated = [
      '9007199254740993,',
      '1e1000e1000',
      '9007199254740993 ',
      '9007199254740993-',
      '":9007199254740993',
    ]
    for (const piece of repeated) {
      const text = JSON.stringify({ a: piece.repeat(200_000), b: 1 })
      assert.equal(quoteInexact(text), text)
    }
    const list = `[${'9007199254740993,'.repeat(200_000)}1]`
    assert.equal(quoteInexact(list), `[${'"9007199254740993",'.repeat(200_000)}1]`)
  })
})
