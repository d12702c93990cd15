/** The commands on dead letters: list, show, replay and drop. */
import { type Command, Option } from 'commander'
import { collect, exit, JSON_FLAG, JSON_HELP } from './command-options.ts'

export function addDeadLetterCommands(program: Command): void {
  const letters = program
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
    .action(async (stream, options) => exit(await (await import('../dead-letters.ts')).listCommand(stream, options)))

  filtered('replay', "letters through today's declaration and back into the stream, with the time of their first fetch")
    .option('--limit <number>', 'letters to replay, of each partition')
    .option('--dry-run', 'show what would come of it')
    .option('--force', 'also those that were replayed in vain too often')
    .action(async (stream, options) =>
      exit(
        await (await import('../resolve-dead-letters.ts')).replayLettersCommand(stream, {
          ...program.opts(),
          ...options,
        }),
      ),
    )

  filtered('drop', 'letters are done with, and are not replayed any more')
    .option('--yes', 'do not ask')
    .action(async (stream, options) =>
      exit(await (await import('../resolve-dead-letters.ts')).dropCommand(stream, options)),
    )

  letters
    .command('show')
    .description('one letter: its headers and the bytes that were refused')
    .argument('<stream>', 'source.stream')
    .addOption(new Option('--at <place>', 'partition:offset, as the list shows it').makeOptionMandatory())
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('../dead-letters.ts')).showCommand(stream, options)))
}
