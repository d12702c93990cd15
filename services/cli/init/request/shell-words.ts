/**
 * The words of a command line as a POSIX shell splits them: quotes, escapes, `$'…'`, line continuations. A variable
 * outside single quotes becomes a mark; nothing is executed. Throws WrongUse for a line that a shell would not run.
 */
import { WrongUse } from '#shared/errors.ts'
import { variableMark } from './variables.ts'

const CHARS_MAX = 100_000
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
}
const VARIABLE = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/
/** What ends the one command. */
const OPERATOR = /^(\||&|;|>|<|\(|\)|`|\$\()/

type Read = { text: string; length: number }

export function shellWords(line: string): string[] {
  if (line.length > CHARS_MAX) throw wrong(`is longer than ${CHARS_MAX} characters`)
  const words: string[] = []
  let word: string | null = null
  for (let at = 0; at < line.length; ) {
    const rest = line.slice(at)
    const blank = /^(\s|\\\r?\n)+/.exec(rest)?.[0]
    if (blank !== undefined) {
      if (word !== null) words.push(word)
      word = null
      at += blank.length
      continue
    }
    const read = piece(rest)
    if (read === null) throw wrong(`has a ${rest[0]} of the shell outside quotes`)
    word = (word ?? '') + read.text
    at += read.length
  }
  return word === null ? words : [...words, word]
}

function piece(rest: string): Read | null {
  if (rest.startsWith("$'")) return ansiQuoted(rest)
  if (rest.startsWith("'")) return singleQuoted(rest)
  if (rest.startsWith('"')) return doubleQuoted(rest)
  const variable = VARIABLE.exec(rest)
  if (variable !== null) return { text: variableMark(variable[1] ?? variable[2] ?? ''), length: variable[0].length }
  if (OPERATOR.test(rest)) return null
  if (rest.startsWith('\\')) return { text: rest[1] ?? '', length: 2 }
  return { text: rest[0] ?? '', length: 1 }
}

function singleQuoted(rest: string): Read {
  const end = rest.indexOf("'", 1)
  if (end === -1) throw wrong("has a ' without its end")
  return { text: rest.slice(1, end), length: end + 1 }
}

function doubleQuoted(rest: string): Read {
  let text = ''
  for (let at = 1; at < rest.length; ) {
    const inner = rest.slice(at)
    if (inner.startsWith('"')) return { text, length: at + 1 }
    const variable = VARIABLE.exec(inner)
    if (variable !== null) {
      text += variableMark(variable[1] ?? variable[2] ?? '')
      at += variable[0].length
    } else if (/^(`|\$\()/.test(inner)) {
      throw wrong('runs a command inside it')
    } else if (/^\\["\\$`\n]/.test(inner)) {
      text += inner[1] === '\n' ? '' : inner[1]
      at += 2
    } else {
      text += inner[0]
      at += 1
    }
  }
  throw wrong('has a " without its end')
}

/** As browsers write a body with quotes: `$'it\'s'`, `\u0021`. */
function ansiQuoted(rest: string): Read {
  let text = ''
  for (let at = 2; at < rest.length; ) {
    const inner = rest.slice(at)
    if (inner.startsWith("'")) return { text, length: at + 1 }
    const code = /^\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3}))/.exec(inner)
    const hex = code?.[1] ?? code?.[2] ?? code?.[3]
    if (code !== null) {
      text += codePoint(hex === undefined ? Number.parseInt(code[4] ?? '', 8) : Number.parseInt(hex, 16))
      at += code[0].length
    } else if (inner.startsWith('\\')) {
      text += ESCAPES[inner[1] ?? ''] ?? inner[1] ?? ''
      at += 2
    } else {
      text += inner[0]
      at += 1
    }
  }
  throw wrong("has a $' without its end")
}

const CODE_POINT_MAX = 0x10ffff
function codePoint(code: number): string {
  if (code <= CODE_POINT_MAX) return String.fromCodePoint(code)
  throw wrong('has an escape that is not a character')
}

const wrong = (what: string): WrongUse =>
  new WrongUse('HR_OPTION', `--from-curl: the command line ${what}`, {
    hint: 'quote it as one argument: --from-curl \'curl -H "…" https://…\'',
  })
