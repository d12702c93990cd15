/**
 * What a command writes: tables within a width, colours where they are wanted, nothing that a foreign text could steer
 * a terminal by.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { hasColours, widthOf } from '../../services/cli/output.ts'
import { columnsOf, rendered, table, toned, wrapped } from '../../services/cli/table-output.ts'
import { owned } from '../support/processes.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const HEAD = ['stream', 'watermark', 'lag']
const cellsOf = (text: string): string[] =>
  text
    .split('\n')
    .slice(1, -1)
    .map((line) => line.slice(2, -2).trimEnd())
const widest = (text: string): number => Math.max(...text.split('\n').map(columnsOf))

describe('a table', () => {
  const LONG = [`shop.${'a'.repeat(60)}`, '2026-11-29T09:12:33.123456789Z', 1_234_567]

  test('escapes what its cells hold, names and values, before it is measured', () => {
    const text = rendered(table([['a\u001b[2Jb\u009bc\u202e', 'x\rfailed', 1]], ['strange\u0007']), true)
    assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}]/u)
    assert.match(text, /│ a\\u001b\[2Jb\\u009bc\\u202e │ x\\u000dfailed │/)
  })

  test('fits the width, whatever its cells hold, and shows all of them', () => {
    for (const width of [40, 60, 80, 120]) {
      const text = table([LONG, ['shop.orders', '日本語'.repeat(20), 2]], HEAD, width)
      assert.ok(widest(text) <= width, text)
      assert.equal(text.replaceAll(/[^a]/g, '').length, 60)
      assert.equal(text.replaceAll(/[^本]/g, '').length, 20)
    }
  })

  test('has one line a row without a width, or where all fits', () => {
    assert.equal(table([LONG], HEAD).split('\n').length, 4)
    const drawn = [
      '┌────────┬───────────┬─────┐',
      '│ STREAM │ WATERMARK │ LAG │',
      '│ a      │ b         │ 1   │',
      '└────────┴───────────┴─────┘',
    ]
    assert.equal(table([['a', 'b', 1]], HEAD, 28), drawn.join('\n'))
  })

  test('breaks at blanks, and within a word only where there is no other way', () => {
    assert.deepEqual(cellsOf(table([['one two three four']], [], 14)), ['one two', 'three four'])
    assert.equal(wrapped('one two three four', 10, '  '), 'one two\n  three\n  four')
    assert.deepEqual(cellsOf(table([['🚀'.repeat(8)]], [], 14)), ['🚀'.repeat(5), '🚀'.repeat(3)])
  })

  test('keeps a tone in its cell, and in nothing else', () => {
    const drawn = table([[toned('failed', 'bad'), 'x']])
    assert.equal(rendered(drawn, true).replaceAll('\u001b[31mfailed\u001b[39m', 'failed'), rendered(drawn, false))
  })
})

describe('colours', () => {
  const terminal = { isTTY: true, columns: 100, getColorDepth: () => 8 }
  const pipe = { isTTY: false, columns: 0 }

  test('are nowhere where NO_COLOR is set, in a pipe, or on a dumb terminal', () => {
    assert.equal(hasColours(terminal, { NO_COLOR: '1' }), false)
    assert.equal(hasColours(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
    assert.equal(hasColours(terminal, { TERM: 'dumb' }), false)
    assert.equal(hasColours(terminal, { FORCE_COLOR: '0' }), false)
    assert.equal(hasColours({ ...terminal, getColorDepth: () => 1 }, {}), false)
    assert.equal(hasColours(pipe, {}), false)
    assert.equal(rendered(toned('failed', 'bad'), false), 'failed')
  })

  test('are on a terminal that has them, and where FORCE_COLOR asks for them', () => {
    assert.equal(hasColours(terminal, { NO_COLOR: '' }), true)
    assert.equal(hasColours(pipe, { FORCE_COLOR: '1' }), true)
    assert.equal(
      rendered(`${toned('failed', 'bad')} ${toned('held', 'warn')} ${toned('done', 'good')}`, true),
      ['\u001b[31mfailed\u001b[39m', '\u001b[33mheld\u001b[39m', '\u001b[32mdone\u001b[39m'].join(' '),
    )
    assert.equal(columnsOf(toned('failed', 'bad')), 6)
  })
})

test('the width is that of the terminal, else what COLUMNS says, else 80', () => {
  assert.equal(widthOf({ isTTY: true, columns: 132 }, { COLUMNS: '90' }), 132)
  assert.equal(widthOf({ isTTY: false, columns: 0 }, { COLUMNS: '90' }), 90)
  assert.equal(widthOf({ isTTY: false, columns: 0 }, {}), 80)
  assert.equal(widthOf({ isTTY: false, columns: 0 }, { COLUMNS: 'wide' }), 80)
})

describe('a reader that goes away', () => {
  const OUTPUT = JSON.stringify(join(ROOT, 'services', 'cli', 'output.ts'))

  /** A command that has something to close after its answer, as those have that ask Kafka. */
  async function printsThenCloses(prepare: string): Promise<{ code: number | null; said: string }> {
    const code = `const { outliveReaders, print } = await import(${OUTPUT}); ${prepare}
      process.stdin.once('data', async () => { for (let at = 0; at < 3; at++) { print('x'); await new Promise((done) => setTimeout(done, 20)) } process.exit(3) })`
    const child = owned(
      { after },
      spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['pipe', 'pipe', 'pipe'] }),
    )
    child.stdout.destroy()
    child.stdin.end('now')
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const [status] = await once(child, 'close')
    return { code: status, said }
  }

  test('is an uncaught error of a command that does not expect it', async () => {
    const { code, said } = await printsThenCloses('')
    assert.notEqual(code, 3)
    assert.match(said, /EPIPE/)
  })

  test('ends the writing, and the command goes on to its own status', async () => {
    assert.deepEqual(await printsThenCloses('outliveReaders()'), { code: 3, said: '' })
  })

  /** Ends its standard output, or its standard error, before the process has written a word. */
  async function readerGone(
    args: readonly string[],
    gone: 'stdout' | 'stderr',
  ): Promise<{ code: number | null; said: string }> {
    const child = owned(
      { after },
      spawn(process.execPath, [join(ROOT, 'services', 'cli.ts'), ...args], {
        env: { PATH: process.env.PATH },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    child[gone].destroy()
    let said = ''
    child[gone === 'stdout' ? 'stderr' : 'stdout'].setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const [code] = await once(child, 'close')
    return { code, said }
  }

  test('ends a command quietly, with its own status', async () => {
    assert.deepEqual(await readerGone(['options', '--json'], 'stdout'), { code: 0, said: '' })
    assert.deepEqual(await readerGone(['--help'], 'stdout'), { code: 0, said: '' })
    assert.deepEqual(await readerGone(['fetsch'], 'stderr'), { code: 2, said: '' })
  })
})

test('--version says the version of the package', async () => {
  const child = owned(
    { after },
    spawn(process.execPath, [join(ROOT, 'services', 'cli.ts'), '--version'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.match(said, /^\d+\.\d+\.\d+\S*\n$/)
})

test('a variable that is nearly an option is named by every command in its log, and standard output stays clean', async () => {
  const env = { PATH: process.env.PATH, CLICKHOUSE_USERNAME: 's3cret', HEADRACE_LOG_FORMAT: 'json' }
  const child = owned(
    { after },
    spawn(process.execPath, [join(ROOT, 'services', 'cli.ts'), 'options', '--json'], { env }),
  )
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  }
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.ok(Array.isArray(JSON.parse(said.stdout)))
  const { level, variable, meant, msg } = JSON.parse(said.stderr)
  assert.deepEqual([level, variable, meant], ['warn', 'CLICKHOUSE_USERNAME', 'CLICKHOUSE_USER'])
  assert.match(msg, /did you mean CLICKHOUSE_USER\?/)
  assert.doesNotMatch(said.stderr, /s3cret/)
})

/** A pipe holds 64 KiB. */
const OUTPUT = join(ROOT, 'services', 'cli', 'output.ts')
const BYTES = 2 * 1024 * 1024
const SCRIPT = `
  const { outliveReaders, print, untilWritten } = await import(${JSON.stringify(OUTPUT)})
  outliveReaders()
  print('x'.repeat(${BYTES}))
  process.stderr.write('printed\\n')
  await untilWritten()
  process.exit(3)
`

function printing() {
  const child = owned({ after }, spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT]))
  return { child, printed: once(child.stderr, 'data'), ended: once(child, 'close') }
}

test('a reader that goes before the end does not keep the command, whose exit status stays', async () => {
  const { child, printed, ended } = printing()
  await printed
  child.stdout.destroy()
  assert.equal((await ended)[0], 3)
})

test('a reader that begins late gets all of it before the command exits', async () => {
  const { child, printed, ended } = printing()
  await printed
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  assert.equal((await ended)[0], 3)
  assert.equal(bytes, BYTES + 1)
})
