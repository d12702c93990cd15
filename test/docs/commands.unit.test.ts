/**
 * Every command in a page is one that exists: of Headrace by its own command line, of npm by the scripts, of others by
 * test/docs/other-programs.ts. What this machine can run is run too, by test/docs/run-commands.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { Cron } from 'croner'
import { parse as parseYaml } from 'yaml'
import { optionRows } from '#shared/config/config.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { createdManifest } from '../../services/cli/create/manifest.ts'
import { createProgram } from '../../services/cli/program.ts'
import { fencesIn, fencesOf, PAGES } from './fences.ts'
import { headraceArgs, innerCommand, otherPrograms } from './other-programs.ts'
import { assignmentsOf, commandsOf, linesOf } from './page-commands.ts'
import { ROOT } from './typescript-program.ts'

const HEADRACE_COMMANDS = createProgram().commands.map((command) => command.name())
const INLINE = /`((?:npx )?headrace [a-z][^`]*|npm (?:run|test) [^`]*)`/g
/** Spans that name an option of a command, and leave out what does not matter there. */
const BARE = new RegExp(`\`((?:${HEADRACE_COMMANDS.join('|')}) (?:[^\`]* )?--[^\`]*)\``, 'g')
/** In prose a command may be named without what it needs. */
const INCOMPLETE = [
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
]
const NPM = ['install', 'ci', 'test', 'pack']

/** What commander says against these words; null for nothing. No action is run. */
function mistake(program: Command, words: readonly string[], allowed: readonly string[] = []): string | null {
  try {
    muted(program).parse([...words], { from: 'user' })
    return null
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return allowed.includes(error.code) || error.exitCode === 0 ? null : error.message
  }
}

function muted(command: Command): Command {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  if (command.commands.length === 0) command.action(() => undefined)
  for (const each of command.commands) muted(each)
  return command
}

/** `template/` speaks of a created repository, all others of this one; the page of the ten commands of both. */
function scriptsOf(document: string): readonly string[] {
  const created = Object.keys(createdManifest('w', { dependency: '1', node: '>=22' }).scripts)
  if (document.startsWith('template/')) return created
  return [...Object.keys(packageJson.scripts), ...(document === 'docs/first-api.md' ? created : [])]
}

function npmMistake(document: string, [, verb = '', script = '']: readonly string[]): string | null {
  if (NPM.includes(verb)) return null
  if (verb === 'run' && scriptsOf(document).includes(script)) return null
  return `package.json has no script for: npm ${verb} ${script}`
}

/** What is wrong with a command; null for nothing. */
export function commandMistake(document: string, words: readonly string[]): string | null {
  const args = headraceArgs(words)
  if (args !== null) return mistake(createProgram(), args)
  if (words[0] === 'npm') return npmMistake(document, words)
  const inner = innerCommand(words)
  return mistake(otherPrograms(), words) ?? (inner === null ? null : mistake(createProgram(), inner))
}

const mistakesIn = (document: string, text: string): string[] =>
  commandsOf(linesOf(fencesIn(document, `\`\`\`sh\n${text}\n\`\`\``))).flatMap(
    ({ words }) => commandMistake(document, words) ?? [],
  )

describe('a command in a page that does not exist is noticed', () => {
  const cases: [string, RegExp][] = [
    ['npx headrace fetch shop.orders --onec', /unknown option '--onec'/],
    ['cd x && npx headrace stats', /unknown command 'stats'|too many arguments/],
    ['npx headrace dead-letters show shop.orders', /--at <place>' not specified/],
    ['npm run nowhere', /no script for: npm run nowhere/],
    ['docker compose run --rm operator stauts', /unknown command|too many arguments/],
    ['docker compose up --detached', /unknown option '--detached'/],
    ['kubectl -n headrace exec deployment/loader -- headrace stauts', /unknown command|too many arguments/],
    ['helm upgrade --isntall headrace deploy/helm', /unknown option '--isntall'/],
    ['rm -rf /', /unknown command|too many arguments/],
    ['5 * * * * cd /srv && flock -n .lock npx headrace fetch --nce', /unknown option '--nce'/],
  ]
  for (const [text, says] of cases) {
    test(text, () => {
      const [found, ...others] = mistakesIn('docs/x.md', text)
      assert.match(found ?? '', says)
      assert.deepEqual(others, [])
    })
  }

  test('and one that exists is not', () => {
    const text = [
      'npx headrace fetch shop.orders \\',
      '  --once   # one run',
      'npm test -- loader/splice > file',
      'docker compose up -d --scale fetcher=2 --scale loader=2',
      'SHOP_KEY=$KEY npx headrace check shop &',
    ].join('\n')
    assert.deepEqual(mistakesIn('docs/x.md', text), [])
  })
})

test('every command in a block of a page exists, with its options', () => {
  const wrong = commandsOf().flatMap(({ at, document, line, words }) => {
    const what = commandMistake(document, words)
    return what === null ? [] : [`${at}: ${what}: ${line}`]
  })
  assert.deepEqual(wrong, [])
  assert.ok(commandsOf().length > 60)
})

test('every command is one that a shell can read', () => {
  for (const page of PAGES) {
    const script = linesOf().flatMap(({ document, text }) => (document === page ? [text] : []))
    const check = () => execFileSync('bash', ['-n', '-c', script.join('\n')], { stdio: 'pipe', timeout: 10_000 })
    assert.doesNotThrow(check, page)
  }
})

test('every command that a sentence names exists, and so do its options', () => {
  const wrong = PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const spans = [...text.matchAll(INLINE), ...text.matchAll(BARE)].map(([, span = '']) => span)
    return spans.flatMap((span) => {
      const [words] = commandsOf(linesOf([{ document: page, line: 0, language: 'sh', text: plain(span) }]))
      if (words === undefined) return []
      const args = headraceArgs(words.words) ?? (words.words[0] === 'npm' ? null : words.words)
      const what = args === null ? npmMistake(page, words.words) : mistake(createProgram(), args, INCOMPLETE)
      return what === null ? [] : [`${page}: ${what}: ${span}`]
    })
  })
  assert.deepEqual(wrong, [])
})

/** `<name>`, `[…]` and `…` stand for something. */
const plain = (span: string): string => span.replaceAll(/<[^>]*>|\[[^\]]*\]|…/g, 'X')

test('every setting in a block of settings is an option', () => {
  const names = new Set(optionRows().flatMap(({ name }) => [name, `${name}_FILE`]))
  const wrong = assignmentsOf().filter(({ name }) => !names.has(name))
  assert.deepEqual(wrong, [])
  assert.ok(assignmentsOf().length > 30)
})

test('every line of a crontab has times that exist', () => {
  const schedules = linesOf().flatMap(({ schedule }) => schedule ?? [])
  assert.ok(schedules.length > 0)
  for (const schedule of schedules) assert.ok(new Cron(schedule, { paused: true }).nextRun() !== null, schedule)
})

test('every block of YAML and JSON can be read, and commands in it exist', () => {
  for (const { document, line, text, language } of fencesOf('yaml', 'yml', 'json')) {
    const at = `${document}:${line}`
    if (language === 'json') assert.doesNotThrow(() => JSON.parse(text), at)
    else {
      const read = parseYaml(text)
      for (const service of Object.values<{ command?: unknown }>(read?.services ?? {})) {
        if (Array.isArray(service.command))
          assert.equal(mistake(createProgram(), service.command.map(String)), null, at)
      }
    }
  }
})
