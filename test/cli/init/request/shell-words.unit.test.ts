import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WrongUse } from '#shared/errors.ts'
import { shellWords } from '../../../../services/cli/init/request/shell-words.ts'
import { variableMark } from '../../../../services/cli/init/request/variables.ts'

describe('a line is refused', () => {
  const lines: [string, string, RegExp][] = [
    ["with a ' that has no end", "curl 'a", /has a ' without its end/],
    ['with a " that has no end', 'curl "a', /has a " without its end/],
    ["with a $' that has no end", "curl $'a\\'", /has a \$' without its end/],
    ['with a pipe', 'curl a | jq .', /has a \| of the shell/],
    ['with a second command', 'curl a; rm -rf b', /has a ; of the shell/],
    ['with an output file', 'curl a > b', /has a > of the shell/],
    ['that runs a command inside', 'curl -H "A: $(cat token)"', /runs a command inside it/],
    ['that runs a command in back quotes', 'curl "`id`"', /runs a command inside it/],
    ['with a character that there is none of', "curl $'\\U110000'", /is not a character/],
    ['that is endless', 'a'.repeat(100_001), /is longer than/],
  ]
  for (const [name, line, words] of lines) {
    test(name, () => {
      assert.throws(
        () => shellWords(line),
        (error) => error instanceof WrongUse && words.test(error.message),
      )
    })
  }
})

describe('words', () => {
  const lines: [string, string, string[]][] = [
    ['blanks', '  a  b\tc ', ['a', 'b', 'c']],
    ['quotes', `'a b' "c d"e '' ""`, ['a b', 'c de', '', '']],
    ['escapes', 'a\\ b "c\\"d\\n" \'e\\f\' g\\\'h', ['a b', 'c"d\\n', 'e\\f', "g'h"]],
    ['line continuations', "curl \\\n  -H 'a' \\\r\n  b", ['curl', '-H', 'a', 'b']],
    ['ANSI quotes of a browser', "$'it\\'s \\u0021 \\x41\\n'", ["it's ! A\n"]],
    ['a URL with & in quotes', `"https://a.example/?b=1&c=2"`, ['https://a.example/?b=1&c=2']],
    [
      'variables, but not in single quotes',
      `"a $B" \${C}d '$E'`,
      [`a ${variableMark('B')}`, `${variableMark('C')}d`, '$E'],
    ],
    ['a lone dollar', '"a$" $', ['a$', '$']],
  ]
  for (const [name, line, words] of lines) test(name, () => assert.deepEqual(shellWords(line), words))
})
