/** The commands on dead letters: list, show, replay and drop. */
import { type Command, Option } from 'commander'
import { exit, JSON_FLAG, JSON_HELP, repeatable } from './command-options.ts'

export function addDeadLetterCommands(program: Command): void {
  const deadLetters = program.command('dead-letters').description('list, show, replay and drop rejected records')
  const filtered = (verb: string, description: string): Command =>
    deadLetters
      .command(verb)
      .description(description)
      .argument('<stream>', 'source.stream')
      .addOption(repeatable('--reason <reason>', 'only this reason (repeatable)'))
      .addOption(repeatable('--stage <stage>', 'only this stage: validate, insert or frame (repeatable)'))
      .option('--run <run>', 'only this run')
      .option('--since <time>', 'only records fetched at or after this time')
      .option('--until <time>', 'only records fetched before this time')
      .option('--partition <number>', 'only this partition')
      .option('--at <place>', 'only this dead letter: partition:offset')
      .option(JSON_FLAG, JSON_HELP)

  filtered('list', 'show the reasons with their counts, and the newest dead letters')
    .option('--limit <number>', 'dead letters to show', '20')
    .option('--done', 'include dead letters that were replayed or dropped')
    .option('--wide', 'each dead letter in full on one line')
    .action(async (stream, options) => exit(await (await import('../dead-letters.ts')).listCommand(stream, options)))

  filtered('replay', 'validate dead letters again and publish those that pass, with their original fetch time')
    .option('--limit <number>', 'dead letters to replay in each partition')
    .option('--dry-run', 'show the result without publishing')
    .option('--force', 'include dead letters that were replayed too often')
    .action(async (stream, options) =>
      exit(
        await (await import('../resolve-dead-letters.ts')).replayLettersCommand(stream, {
          ...program.opts(),
          ...options,
        }),
      ),
    )

  filtered('drop', 'mark dead letters as done; they are not replayed again')
    .option('--yes', 'do not ask for confirmation')
    .action(async (stream, options) =>
      exit(await (await import('../resolve-dead-letters.ts')).dropCommand(stream, options)),
    )

  deadLetters
    .command('show')
    .description('show the headers and the rejected bytes of one dead letter')
    .argument('<stream>', 'source.stream')
    .addOption(new Option('--at <place>', 'partition:offset, as list shows it').makeOptionMandatory())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('../dead-letters.ts')).showCommand(stream, options)))
}
