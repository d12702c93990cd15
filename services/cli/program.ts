/**
 * `headrace <command>` as commander knows it: commands are declared here and in commands/. The code of a command is
 * loaded only when it runs, so `load` in a container needs nothing of the local stack.
 */
import { Command, Option } from 'commander'
import { environment, nearMissesIn } from '#shared/config/config.ts'
import { VERSION } from '#shared/version.ts'
import { addAuthoringCommands } from './commands/authoring.ts'
import { exit, JSON_FLAG, JSON_HELP, repeatable } from './commands/command-options.ts'
import { addDeadLetterCommands } from './commands/dead-letters.ts'
import { addPipelineCommands } from './commands/pipeline.ts'
import { say } from './output.ts'

const EXIT_STATUSES = [
  '',
  'Exit status:',
  '  0  done',
  '  1  failed or parked, or a source file cannot be used',
  '     status --check: something needs a person',
  '     verify: something differs',
  '  2  wrong use',
  '  3  done, but a person must look: dead letters, skipped pages, a held watermark or withheld deletes',
  '     plan: something is refused',
  '     preview: dead letters, or fields that are not in the schema',
].join('\n')

export function createProgram(): Command {
  const headrace = new Command('headrace')
    .description('Keeps a ClickHouse warehouse current from HTTP APIs through Kafka.')
    .addOption(
      repeatable('--sources <dir>', 'folder of declarations, besides the built-in ones (repeatable)').default(
        [],
        'none',
      ),
    )
    .addHelpText('after', EXIT_STATUSES)
    .showHelpAfterError('(headrace --help shows all commands)')
    .version(VERSION, '-V, --version', 'print the version')
    .hook('preAction', warnOfNearMisses)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => say(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'headrace: ')),
    })

  headrace
    .command('demo')
    .description('run the whole pipeline on this machine: stack, sample API, fetcher, loader, table')
    .option(JSON_FLAG, JSON_HELP)
    .option('--stop', 'stop the local stack afterwards')
    .action(async (options) => exit(await (await import('./demo/demo.ts')).demo(options)))

  const stack = headrace
    .command('stack')
    .description('the local stack: Kafka, schema registry and ClickHouse as child processes')
  for (const [verb, description] of [
    ['up', 'start it; does nothing if it runs already'],
    ['down', 'stop it; its data stays'],
    ['status', 'state of each server'],
  ] as const) {
    stack
      .command(verb)
      .description(description)
      .option('--dir <dir>', 'folder for data, logs and ports')
      .option(JSON_FLAG, JSON_HELP)
      .action(async (options) => exit(await (await import('./stack.ts')).stackCommand(verb, options)))
  }

  headrace
    .command('sample-api')
    .description('an API on this machine for a first source, open to everybody; runs until it is stopped')
    .option('--port <port>', 'port to listen on; 0 takes a free one', '8199')
    .action(async (options) => exit(await (await import('./sample-api.ts')).sampleApiCommand(options)))

  addAuthoringCommands(headrace)
  addPipelineCommands(headrace)
  addDeadLetterCommands(headrace)

  headrace
    .command('options')
    .description('list every environment option with its default')
    .addOption(new Option('--markdown <file>', 'rewrite the table of options in this file').hideHelp())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit((await import('./options.ts')).optionsCommand(options)))

  headrace
    .command('metrics')
    .description('list every metric: what it counts, when it rises and what to do then')
    .addOption(new Option('--markdown <file>', 'rewrite the table of metrics in this file').hideHelp())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit((await import('./metrics.ts')).metricsCommand(options)))

  return headrace
}

async function warnOfNearMisses(): Promise<void> {
  const misses = nearMissesIn(environment)
  if (misses.length === 0) return
  const { warnOf } = await import('./service-process.ts')
  warnOf(misses)
}
