/** The commands of an author: a new source, its check and its preview. None of them publishes anything. */
import type { Command } from 'commander'
import { exit, JSON_FLAG, JSON_HELP } from './command-options.ts'

const collected = (value: string, before: string[] = []): string[] => [...before, value]

export function addAuthoringCommands(program: Command): void {
  program
    .command('create')
    .description('write a new repository of sources: a first source with its test, compose file, image, CI')
    .argument('<dir>', 'folder to create; its name becomes the name of the package')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (dir, options) => exit((await import('../create/create.ts')).createCommand(dir, options)))

  program
    .command('init')
    .description('write a new declaration with a test; with an address, from what the API returns')
    .argument('<name>', 'name of the source')
    .option('--dir <dir>', 'folder for the files', 'sources')
    .option('--url <url>', 'address of the API, or of the endpoint; two pages are read from it')
    .option('--from-curl <command>', 'a curl command line that works; secrets become environment variables')
    .option('--openapi <file>', 'OpenAPI or Swagger document, a file or URL: a source with its lists')
    .option('--only <pattern>', "of its lists those with this path or operationId; * is any text, e.g. '/orders*'")
    .option('--header <header>', "header of the requests, e.g. 'X-Key: $SHOP_KEY'; may be repeated", collected)
    .option('--offline', 'write an example from the options alone; do not call the API')
    .option('--path <path>', 'path of the endpoint')
    .option('--stream <name>', 'name of the stream; by default from the path')
    .option('--auth <kind>', 'none, bearer, api-key, api-key-query, basic or oauth2')
    .option('--paginate <kind>', 'cursor, link-header, next-url, page-number, offset or none')
    .option('--next <pointer>', 'where the response has the next cursor or URL')
    .option('--param <name>', 'parameter that takes the cursor, page or offset')
    .option('--limit <number>', 'records per page, for offset')
    .option('--records <pointer>', 'where the response has its records, or "whole" if it is the array')
    .option('--key <fields>', 'fields of the primary key, separated by commas')
    .option(
      '--watermark <field=param>',
      'field with the time of the last change, and the parameter that filters by it; or none',
    )
    .option(JSON_FLAG, JSON_HELP)
    .action(async (name, options) =>
      exit(await (await import('../init/init.ts')).initCommand(name, { ...program.opts(), ...options })),
    )

  program
    .command('check')
    .description('check step by step whether a source would run, and say what to change; publishes nothing')
    .argument('<source>', 'a source, or source.stream')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (source, options) =>
      exit(await (await import('../check.ts')).checkCommand(source, { ...program.opts(), ...options })),
    )

  program
    .command('preview')
    .description("show a stream's first pages with dead letters, drift and requests; publishes nothing")
    .argument('<stream>', 'source.stream')
    .option('--partition <number>', 'partition to read, counted from 0', '0')
    .option('--pages <number>', 'pages to request', '2')
    .option('--records <number>', 'records and dead letters to show', '10')
    .option('--record <file>', 'save the pages for tests (*.recording.json), without secrets')
    .option(JSON_FLAG, JSON_HELP)
    .action(async (stream, options) =>
      exit(await (await import('../preview/preview.ts')).previewCommand(stream, { ...program.opts(), ...options })),
    )
}
