import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mutantsOf, mutated, nameOf } from './mutants.ts'

/** What the text becomes, one mutant at a time. */
const changes = (text: string): string[] => mutantsOf('f.ts', text).map((mutant) => mutated(text, mutant))

describe('the mutants of a file', () => {
  test('are a text with one place changed each', () => {
    assert.deepEqual(changes('if (a < b) c()'), [
      'if (true) c()',
      'if (false) c()',
      'if (a <= b) c()',
      'if (b < a) c()',
      'if (a < b) ;',
    ])
    assert.deepEqual(changes('x = a ? 1 : !b'), [';', 'x = (1)', 'x = (!b)', 'x = a ? 0 : !b', 'x = a ? 1 : b'])
    assert.deepEqual(changes('const y = Math.max(a ?? 0, b - 1)'), [
      'const y = Math.min(a ?? 0, b - 1)',
      'const y = Math.max(a, b - 1)',
      'const y = Math.max(a ?? 1, b - 1)',
      'const y = Math.max(a ?? 0, b + 1)',
      'const y = Math.max(a ?? 0, 1 - b)',
      'const y = Math.max(a ?? 0, b - 0)',
    ])
  })

  test('are none of types, texts for people, large numbers and imports', () => {
    for (const text of [
      "import { a } from './a.ts'",
      'type A = 1 | true',
      'const a = 1000',
      "throw new Stopped('X', a + 1, { hint: a > 1 ? 'b' : 'c' })",
      'log.info({ a: 1 }, a - 1)',
    ])
      assert.deepEqual(changes(text), [], text)
  })

  test('have names that stay when lines move, and tell alike ones apart', () => {
    const names = (text: string) => mutantsOf('f.ts', text).map(nameOf)
    assert.deepEqual(names('\n\n  f(a < b)'), names('f(a < b)'))
    const alike = names('f(a - a - a)')
    assert.equal(new Set(alike).size, alike.length)
  })
})
