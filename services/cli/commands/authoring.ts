/** The commands of an author: a new source, its check and its preview. None of them publishes anything. */
import type { Command } from 'commander'
import { exit, JSON_FLAG, JSON_HELP } from './command-options.ts'

export function addAuthoringCommands(program: Command): void {
  program
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
      exit(await (await import('../init/init.ts')).initCommand(name, { ...program.opts(), ...options })),
    )

  program
    .command('check')
    .description('whether a source would run, step by step, and what to change where it would not; publishes nothing')
    .argument('<source>', 'a source, or one source.stream')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (source, options) =>
      exit(await (await import('../check.ts')).checkCommand(source, { ...program.opts(), ...options })),
    )

  program
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
      exit(await (await import('../preview/preview.ts')).previewCommand(stream, { ...program.opts(), ...options })),
    )
}
