/** The commands that run and operate the pipeline: fetch, load, plan, status, release, replay and verify. */
import type { Command } from 'commander'
import { exit, JSON_FLAG, JSON_HELP } from './command-options.ts'

export function addPipelineCommands(program: Command): void {
  program
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
      exit(await (await import('../fetch.ts')).fetchCommand(streams, { ...program.opts(), ...options })),
    )

  program
    .command('load')
    .description('the loader: from Kafka into ClickHouse')
    .option('--until-caught-up', 'end when everything in Kafka is loaded; with 1 when the rest waits for a person')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit(await (await import('../load.ts')).loadCommand(options)))

  program
    .command('plan')
    .description(
      'what the loader would do with each table, and what it would refuse, before anything is done; 3: something is refused',
    )
    .argument('[streams...]', 'source.stream; all that are declared or in Kafka when none is named')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) =>
      exit(await (await import('../plan.ts')).planCommand(streams, { ...program.opts(), ...options })),
    )

  program
    .command('status')
    .description(
      'how every partition is: last attempt, checkpoint, confirmed watermark, lag, dead letters, what needs a person',
    )
    .argument('[streams...]', 'source.stream; all that Kafka knows when none is named')
    .option('--check', 'only what needs a person, one line each; ends with 1 if there is anything, else with 0')
    .option('--wide', 'all columns, a line each, however wide')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) => exit(await (await import('../status.ts')).statusCommand(streams, options)))

  program
    .command('release')
    .description('asks an API again before the time that it named with Retry-After: ends the pause of what is parked')
    .argument('<source>', 'a source, or source.stream; a pause of the whole source ends for all its streams')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (name, options) => exit(await (await import('../status.ts')).releaseCommand(name, options)))

  program
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
    .action(async (stream, options) => exit(await (await import('../replay/replay.ts')).replayCommand(stream, options)))

  program
    .command('verify')
    .description(
      'compares topic, ledger and table up to what the loader has committed, and changes nothing; 1: something differs',
    )
    .argument('<stream>', 'source.stream')
    .option('--partition <number>', 'only this partition')
    .option('--run <run>', 'only from the first page of this run to its last')
    .option('--examples <number>', 'examples to show of each difference', '5')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('../verify.ts')).verifyCommand(stream, options)))
}
