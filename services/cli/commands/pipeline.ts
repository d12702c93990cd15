/** The commands that run and operate the pipeline: fetch, load, plan, status, release, replay and verify. */
import type { Command } from 'commander'
import { exit, JSON_FLAG, JSON_HELP } from './command-options.ts'

export function addPipelineCommands(program: Command): void {
  program
    .command('fetch')
    .description('run the fetcher: from the APIs into Kafka')
    .argument('[streams...]', 'source.stream; default: all except those of on-demand sources')
    .option('--once', 'run every partition once, then exit')
    .option(
      '--from <position>',
      'start of a backfill of [from, to) by the watermark field, as times or numbers; moves no watermark',
    )
    .option('--to <position>', 'end of the backfill, exclusive')
    .option('--again', 'repeat a range that was backfilled before')
    .option('--full', "one run from the stream's start that ignores the checkpoint and publishes everything again")
    .option(
      '--allow-deletes',
      'one full walk that may delete more rows than the declared bounds: releases withheld deletes once',
    )
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) =>
      exit(await (await import('../fetch.ts')).fetchCommand(streams, { ...program.opts(), ...options })),
    )

  program
    .command('load')
    .description('run the loader: from Kafka into ClickHouse')
    .option('--until-caught-up', 'exit when everything in Kafka is loaded; with 1 if the rest needs a person')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (options) => exit(await (await import('../load.ts')).loadCommand(options)))

  program
    .command('query')
    .description('show the rows of a SELECT, e.g. "SELECT count() FROM shop_orders FINAL"')
    .argument('<sql>', 'a statement that only reads; tables are those of CLICKHOUSE_DATABASE')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (sql, options) => exit(await (await import('../query.ts')).queryCommand(sql, options)))

  program
    .command('plan')
    .description('show what the loader would change and refuse; changes nothing; exits with 3 if something is refused')
    .argument('[streams...]', 'source.stream; default: all that are declared or in Kafka')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) =>
      exit(await (await import('../plan.ts')).planCommand(streams, { ...program.opts(), ...options })),
    )

  program
    .command('status')
    .description('show last attempt, checkpoint, confirmed watermark, lag and dead letters, and what needs a person')
    .argument('[streams...]', 'source.stream; default: all in Kafka')
    .option('--check', 'only what needs a person, one line each; exits with 1 if there is anything')
    .option('--wide', 'all columns, without wrapping')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (streams, options) => exit(await (await import('../status.ts')).statusCommand(streams, options)))

  program
    .command('release')
    .description('end the pause of parked partitions before the time that the API named with Retry-After')
    .argument('<source>', 'a source, or source.stream; a pause of the whole source ends for all its streams')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (name, options) => exit(await (await import('../status.ts')).releaseCommand(name, options)))

  program
    .command('replay')
    .description("load a stream again from Kafka by resetting the loader's offsets; makes no API requests")
    .argument('<stream>', 'source.stream')
    .option('--from <place>', 'beginning, a time (2026-01-31T00:00:00Z), or partition:offset[,…]')
    .option('--run <run>', 'from the first page of this run')
    .option('--partition <number>', 'only this partition')
    .option(
      '--into-new-table',
      'load the whole topic into a new table with the latest schema, which then replaces the old one',
    )
    .option('--only-log', 'with --into-new-table: omit rows that the topic no longer has')
    .option('--dry-run', 'show what would be reset, how much would be loaded again and how long it would take')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('../replay/replay.ts')).replayCommand(stream, options)))

  program
    .command('verify')
    .description(
      'compare topic, ledger and table up to the committed offsets; changes nothing; exits with 1 on a difference',
    )
    .argument('<stream>', 'source.stream')
    .option('--partition <number>', 'only this partition')
    .option('--run <run>', 'only the pages of this run')
    .option('--examples <number>', 'examples to show for each difference', '5')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) => exit(await (await import('../verify.ts')).verifyCommand(stream, options)))
}
