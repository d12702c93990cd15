#!/usr/bin/env node
/**
 * The one door: `headrace <command>`. Commands are declared here; the code behind one is loaded when it is asked for,
 * so that `load` in a container needs nothing of the local stack. Exit statuses: `EXIT_STATUSES`.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { environment, nearMissesIn } from '#shared/config/config.ts'
import { exitStatusOf, WrongUse } from '#shared/errors.ts'

const { outliveReaders, say, sayError } = await import('./cli/output.ts')

const JSON_FLAG = '--json'
const EXIT_STATUSES = `
Exit status:
  0  done
  1  failed or parked, or a source file unusable; status --check: something needs a person; verify: something differs
  2  wrong use
  3  done, but a person must look: dead letters, skipped pages, a held watermark, withheld deletes; plan: something is refused; preview: unknown fields`
const JSON_HELP = 'print one JSON object instead of text'

function program(): Command {
  const door = new Command('headrace')
    .description('Keeps a ClickHouse warehouse current from HTTP APIs through Kafka.')
    .option('--sources <dir>', 'folder of declarations besides the built-in ones (may be given again)', collect, [])
    .addHelpText('after', EXIT_STATUSES)
    .showHelpAfterError('(headrace --help shows all commands)')
    .version(packageVersion(), '-V, --version', 'print the version')
    .hook('preAction', warnOfNearMisses)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => say(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'headrace: ')),
    })

  door
    .command('demo')
    .description('the whole path on this machine: stack, sample API, fetcher, loader, table')
    .option(JSON_FLAG, JSON_HELP)
    .option('--stop', 'stop the local stack afterwards')
    .action(async (options) => exit(await (await import('./cli/demo/demo.ts')).demo(options)))

  const stack = door
    .command('stack')
    .description('the local stack: Kafka, schema registry and ClickHouse as child processes')
  for (const [verb, description] of [
    ['up', 'start it, or tell that it runs'],
    ['down', 'stop it; its data stays'],
    ['status', 'ask each server'],
  ] as const) {
    stack
      .command(verb)
      .description(description)
      .option('--dir <dir>', 'folder of data, logs and ports')
      .option(JSON_FLAG, JSON_HELP)
      .action(async (options) => exit(await (await import('./cli/stack.ts')).stackCommand(verb, options)))
  }

  door
    .command('init')
    .description('a new declaration with a test beside it; asks on a terminal for what the flags leave open')
    .argument('<name>', 'of the source')
    .option('--dir <dir>', 'folder for the files', 'sources')
    .option('--url <url>', 'address of the API, or of the endpoint')
    .option('--path <path>', 'path of the endpoint')
    .option('--stream <name>', 'name of the stream; by default from the path')
    .option('--auth <kind>', 'none, bearer, api-key, api-key-query, basic or oauth2')
    .option('--paginate <kind>', 'cursor, link-header, next-url, page-number, offset or none')
    .option('--next <pointer>', 'where the answer holds the next cursor or URL')
    .option('--param <name>', 'the parameter that takes the cursor, the page or the offset')
    .option('--limit <number>', 'records a page of an offset walk')
    .option('--records <pointer>', 'where the answer holds its records, or "whole"')
    .option('--key <fields>', 'fields of the primary key, separated by commas')
    .option(
      '--watermark <field=param>',
      'field that says when a record changed, and the parameter that asks for it; or none',
    )
    .option(JSON_FLAG, JSON_HELP)
    .action(async (name, options) =>
      exit(await (await import('./cli/init/init.ts')).initCommand(name, { ...door.opts(), ...options })),
    )

  door
    .command('check')
    .description('whether a source would run, step by step, and what to change where it would not; publishes nothing')
    .argument('<source>', 'a source, or one source.stream')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (source, options) =>
      exit(await (await import('./cli/check.ts')).checkCommand(source, { ...door.opts(), ...options })),
    )

  door
    .command('preview')
    .description(
      "a stream's first pages as a run would publish them, with dead letters, drift and requests; publishes nothing",
    )
    .argument('<stream>', 'source.stream')
    .option('--partition <number>', 'counted from 0', '0')
    .option('--pages <number>', 'pages to ask for', '2')
    .option('--records <number>', 'records and dead letters to show', '10')
    .option('--record <file>', 'keep the pages for tests (*.recording.json), without secrets')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) =>
      exit(await (await import('./cli/preview/preview.ts')).previewCommand(stream, { ...door.opts(), ...options })),
    )

  door
    .command('fetch')
    .description('the fetcher: from the APIs into Kafka')
    .argument('[streams...]', 'source.stream; all of them when none is named')
    .option('--once', 'one run of every partition, then the end')
    .option(
      '--from <position>',
      'backfill: what lies in [from, to), times or numbers of the watermark field; moves no watermark',
    )
    .option('--to <position>', 'end of the backfill, itself not in it')
    .option('--again', 'also a range that has been backfilled before')
    .option('--full', "one run from the stream's start that publishes everything again, whatever the checkpoint says")
    .option(
      '--allow-deletes',
      'one full walk that may delete more rows than the bounds of deletes: releases what was withheld, this once',
    )
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) =>
      exit(await (await import('./cli/fetch.ts')).fetchCommand(streams, { ...door.opts(), ...options })),
    )

  door
    .command('load')
    .description('the loader: from Kafka into ClickHouse')
    .option('--until-caught-up', 'end when everything in Kafka is loaded; with 1 when the rest waits for a person')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit(await (await import('./cli/load.ts')).loadCommand(options)))

  door
    .command('plan')
    .description(
      'what the loader would do with each table, and what it would refuse, before anything is done; 3: something is refused',
    )
    .argument('[streams...]', 'source.stream; all that are declared or in Kafka when none is named')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) =>
      exit(await (await import('./cli/plan.ts')).planCommand(streams, { ...door.opts(), ...options })),
    )

  door
    .command('status')
    .description(
      'how every partition is: last attempt, checkpoint, confirmed watermark, lag, dead letters, what needs a person',
    )
    .argument('[streams...]', 'source.stream; all that Kafka knows when none is named')
    .option('--check', 'only what needs a person, one line each; ends with 1 if there is anything, else with 0')
    .option('--wide', 'all columns, a line each, however wide')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) => exit(await (await import('./cli/status.ts')).statusCommand(streams, options)))

  door
    .command('release')
    .description('asks an API again before the time that it named with Retry-After: ends the pause of what is parked')
    .argument('<source>', 'a source, or source.stream; a pause of the whole source ends for all its streams')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (name, options) => exit(await (await import('./cli/status.ts')).releaseCommand(name, options)))

  door
    .command('replay')
    .description("load a stream again from Kafka, by a reset of the loader's offsets; the API is not asked")
    .argument('<stream>', 'source.stream')
    .option('--from <place>', 'beginning, a time (2026-01-31T00:00:00Z), or partition:offset[,…]')
    .option('--run <run>', 'from the first page of this run')
    .option('--partition <number>', 'only this partition')
    .option(
      '--into-new-table',
      'all of the topic into a new table of the latest schema, which then takes the place of the old one',
    )
    .option('--only-log', 'with --into-new-table: leave out the rows that the topic no longer has')
    .option('--dry-run', 'show what would be reset, how much would be loaded again and how long it would take')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) =>
      exit(await (await import('./cli/replay/replay.ts')).replayCommand(stream, options)),
    )

  door
    .command('verify')
    .description(
      'compares topic, ledger and table up to what the loader has committed, and changes nothing; 1: something differs',
    )
    .argument('<stream>', 'source.stream')
    .option('--partition <number>', 'only this partition')
    .option('--run <run>', 'only from the first page of this run to its last')
    .option('--examples <number>', 'examples to show of each difference', '5')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('./cli/verify.ts')).verifyCommand(stream, options)))

  const letters = door
    .command('dead-letters')
    .description('records that were refused: what and why, and what to do with them')
  const filtered = (verb: string, description: string): Command =>
    letters
      .command(verb)
      .description(description)
      .argument('<stream>', 'source.stream')
      .option('--reason <reason>', 'only of this reason (may be given again)', collect, [])
      .option('--stage <stage>', 'only of this stage: validate, insert or frame (may be given again)', collect, [])
      .option('--run <run>', 'only of this run')
      .option('--since <time>', 'only of records fetched at or after this time')
      .option('--until <time>', 'only of records fetched before this time')
      .option('--partition <number>', 'only of this partition')
      .option('--at <place>', 'only this letter: partition:offset')
      .option(JSON_FLAG, JSON_HELP)

  filtered('list', 'the reasons, and the newest letters')
    .option('--limit <number>', 'letters to show', '20')
    .option('--done', 'also those that were replayed or dropped')
    .option('--wide', 'all of each letter in one line, however wide')
    .action(async (stream, options) => exit(await (await import('./cli/dead-letters.ts')).listCommand(stream, options)))

  filtered('replay', "letters through today's declaration and back into the stream, with the time of their first fetch")
    .option('--limit <number>', 'letters to replay, of each partition')
    .option('--dry-run', 'show what would come of it')
    .option('--force', 'also those that were replayed in vain too often')
    .action(async (stream, options) =>
      exit(
        await (await import('./cli/settle-dead-letters.ts')).replayLettersCommand(stream, {
          ...door.opts(),
          ...options,
        }),
      ),
    )

  filtered('drop', 'letters are done with, and are not replayed any more')
    .option('--yes', 'do not ask')
    .action(async (stream, options) =>
      exit(await (await import('./cli/settle-dead-letters.ts')).dropCommand(stream, options)),
    )

  letters
    .command('show')
    .description('one letter: its headers and the bytes that were refused')
    .argument('<stream>', 'source.stream')
    .addOption(new Option('--at <place>', 'partition:offset, as the list shows it').makeOptionMandatory())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('./cli/dead-letters.ts')).showCommand(stream, options)))

  door
    .command('options')
    .description('every option of the environment with its default')
    .addOption(new Option('--markdown <file>', 'rewrite the table of options in this file').hideHelp())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit((await import('./cli/options.ts')).optionsCommand(options)))

  return door
}

const collect = (value: string, all: string[]): string[] => [...all, value]

async function warnOfNearMisses(): Promise<void> {
  const misses = nearMissesIn(environment)
  if (misses.length === 0) return
  const { warnOf } = await import('./cli/service-process.ts')
  warnOf(misses)
}

/** The container image leaves the local stack out. */
function isAbsentStack(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    /\/services\/(stack|sample-api)\//.test(error.message)
  )
}

/** The file's end exits with it: a client's open handle must not keep a finished command alive. */
function exit(status: number): void {
  process.exitCode = status
}

const packageVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

outliveReaders()
try {
  await program().parseAsync()
  process.exit()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  if (isAbsentStack(error)) {
    say(
      'headrace: the local stack is not part of this installation\n  hint: stack and demo run from a checkout of the repository',
    )
    process.exit(2)
  }
  sayError(error)
  // What is no decision of ours is a defect: whoever reports it needs the place.
  if (error instanceof Error && !('code' in error) && environment.HEADRACE_LOG_LEVEL === 'debug') say(error.stack ?? '')
  process.exit(error instanceof WrongUse ? 2 : exitStatusOf(error))
}
