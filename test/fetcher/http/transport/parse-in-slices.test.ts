import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseJson } from '../../../../services/fetcher/http/transport/lossless-json.ts'
import { parseInSlices, TooManyElements } from '../../../../services/fetcher/http/transport/parse-in-slices.ts'
import { testSeed } from '../../../support/seed.ts'

const never = new AbortController().signal

/** Counts turns of the event loop, and sees that they are turns. */
function pacer() {
  const pace = {
    turns: 0,
    elapsedMs: () => performance.now(),
    turn: () =>
      new Promise<void>((resolve) => {
        pace.turns += 1
        setImmediate(resolve)
      }),
  }
  return pace
}

const parse = (text: string, elementsMax = 3_000_000, pace = pacer()) =>
  parseInSlices(text, { elementsMax }, pace, never)
/** In slices of so few characters that even small texts have many. */
const sliced = (text: string, sliceChars: number) =>
  parseInSlices(text, { elementsMax: 1_000, sliceChars }, { elapsedMs: () => 0, turn: async () => {} }, never)
const repeated = (member: string, count: number) => Array.from({ length: count }, () => member).join(',')

describe('a large JSON text', () => {
  for (const [name, text] of [
    ['tiny objects', `[${repeated('{}', 3_000_000)}]`],
    ['tiny arrays below a name', `{"data":[${repeated('[]', 3_000_000)}]}`],
    ['plain values', `[${repeated('1', 9_000_000)}]`],
    ['brackets without an end', '['.repeat(5_000_000)],
    ['fields', `{${repeated('"a":[]', 3_000_000)}}`],
  ] as const) {
    test(`of too many elements is refused before they are built: ${name}`, async () => {
      globalThis.gc?.()
      const before = process.memoryUsage().heapUsed
      await assert.rejects(parse(text, 1_000_000), TooManyElements)
      assert.ok(process.memoryUsage().heapUsed - before < 400_000_000)
    })
  }

  test('is counted also where it is short, and eight plain values count as one element', async () => {
    await assert.rejects(parse(`[${repeated('{}', 100)}]`, 100), TooManyElements)
    assert.equal(((await parse(`[${repeated('{}', 99)}]`, 101)) as unknown[]).length, 99)
    assert.equal(((await parse(`[${repeated('1', 700)}]`, 100)) as unknown[]).length, 700)
    await assert.rejects(parse(`[${repeated('1', 900)}]`, 100), TooManyElements)
  })

  test('lets others run in between: a timer of 1 ms is never later than some slices', async (t) => {
    const text = `{"data":[${repeated('{"id":"o1","total":1.5,"name":"customer"}', 300_000)}],"next":null}`
    const pace = pacer()
    let longestMs = 0
    let lastMs = performance.now()
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
    }, 1)
    t.after(() => clearInterval(timer))
    const value = (await parse(text, undefined, pace)) as { data: unknown[] }
    clearInterval(timer)
    assert.equal(value.data.length, 300_000)
    assert.ok(pace.turns >= 40, `${pace.turns} turns`)
    assert.ok(longestMs < 500, `${longestMs} ms`)
  })

  test('ends between two slices when it is aborted', async () => {
    const stop = new AbortController()
    const parsing = parseInSlices(`[${repeated('{}', 500_000)}]`, { elementsMax: 1_000_000 }, pacer(), stop.signal)
    stop.abort(new Error('stopped'))
    await assert.rejects(parsing, /stopped/)
  })

  test('has the values of one that is parsed at once, whatever its shape is and wherever it is cut', async () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom<unknown>(null, true, 1.5, '', '9007199254740993', 'a"\\,]}', 'a longer text'),
        fc.array(tie('value'), { maxLength: 8 }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'x,"]', 'toString', '1'), tie('value'), {
          noNullPrototype: false,
        }),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(
        value,
        fc.constantFrom(undefined, 2),
        fc.integer({ min: 1, max: 60 }),
        async (values, indent, sliceChars) => {
          const text = JSON.stringify(values, null, indent).replace('"9007199254740993"', '9007199254740993')
          assert.deepStrictEqual(await sliced(text, sliceChars), parseJson(text))
        },
      ),
      { seed: testSeed(), numRuns: 200 },
    )
  })

  test('is refused exactly where JSON.parse refuses it', async () => {
    const whole = '{"a":[1.5,"two",{"b":["x","y"],"c":1},2],"d":{"e":"z","f":[{},[]]}}'
    const pieces = ['', ',', ']', '}', '[', ':', '1', '{}', '"x"', ',,', ' ', '    ']
    for (let at = 0; at <= whole.length; at++) {
      for (const piece of pieces) {
        for (const gone of [0, 1, 3]) {
          const text = whole.slice(0, at) + piece + whole.slice(at + gone)
          const expected = attempt(() => JSON.parse(text))
          for (const sliceChars of [1, 2, 5, 9, 20]) {
            const found = await sliced(text, sliceChars).then(
              (value) => ({ value }),
              (error: unknown) => ({ error }),
            )
            if ('error' in expected)
              assert.ok('error' in found && found.error instanceof SyntaxError, `${sliceChars}: ${text}`)
            else assert.deepStrictEqual(found, expected, `${sliceChars}: ${text}`)
          }
        }
      }
    }
  })
})

function attempt(read: () => unknown): { value: unknown } | { error: unknown } {
  try {
    return { value: read() }
  } catch (error) {
    return { error }
  }
}
