/** `headrace plan`: what the loader would do with each table and what it would refuse, before it does anything. */

import { connectClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readConfig, readOptions } from '#shared/config/config.ts'
import { type Declarations, filesInTheWay, readSources, type UnusableFile } from '#shared/declaration/load-sources.ts'
import { explain } from '#shared/errors.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import { namesFor } from '#shared/names.ts'
import { connectRegistry } from '#shared/schema/registry.ts'
import { shownName, shownText } from '#shared/shown.ts'
import { refuseIfAbsent } from '../loader/consume/preflight.ts'
import { type DeclaredStream, planTables, type StreamPlan } from '../loader/plan.ts'
import type { Finding } from '../loader/table/findings.ts'
import { createTables } from '../loader/table/tables.ts'
import { asJson } from './output.ts'
import { logFor, print } from './service-process.ts'
import { sourceDirs } from './source-dirs.ts'

export type PlanCommandOptions = { sources: string[]; json?: boolean }

const STATUS_REFUSED = 3
const STATUS_UNUSABLE = 1

export async function planCommand(labels: readonly string[], options: PlanCommandOptions): Promise<number> {
  const config = readConfig(environment, ['kafka', 'registry', 'clickhouse'])
  const declarations = await readSources(sourceDirs(readOptions(environment), options.sources))
  const declared = declaredStreams(declarations, labels)
  const unusable = unusableFor(declarations, labels)
  const log = logFor('plan', config)
  const kafka = await connectKafka(config.kafka, {
    ...{ log, clock: systemClock },
    rights: leastRights('operator', config.prefix),
  })
  const clickhouse = connectClickHouse(config.clickhouse)
  try {
    const tables = createTables(clickhouse, config.clickhouse, log)
    const registry = connectRegistry(config.registry)
    await refuseIfAbsent({ tables, registry }, config.clickhouse)
    const deps = { kafka, registry, tables, names: namesFor(config.prefix), at: config.clickhouse }
    const server = await tables.server()
    const streams = await planTables(deps, declared, labels)
    const files = unusable.map(({ file, error: { message, hint } }) => ({ file, message, hint }))
    print(
      options.json === true
        ? asJson({ server, streams, ...(files.length === 0 ? {} : { unusable: files }) })
        : [...unusable.map(({ error }) => `not planned: ${explain(error)}\n`), describe(server, streams)].join('\n'),
    )
    if (unusable.length > 0) return STATUS_UNUSABLE
    return [...server, ...streams.flatMap(({ findings }) => findings)].some(isRefused) ? STATUS_REFUSED : 0
  } finally {
    await kafka.close()
    await clickhouse.close()
  }
}

/** All declared streams if some are named; otherwise those on demand are omitted, as `fetch` does. */
function declaredStreams({ sources }: Declarations, labels: readonly string[]): DeclaredStream[] {
  const streams = sources.flatMap((source) => source.streams)
  return streams.filter(({ label, source }) => labels.includes(label) || !source.onDemand)
}

/** A named stream may be known only to Kafka: then other files do not matter. */
function unusableFor(declarations: Declarations, labels: readonly string[]): readonly UnusableFile[] {
  if (labels.length === 0) return declarations.unusable
  const wanted = labels.map((label) => label.split('.')[0] ?? label)
  const files = wanted.flatMap((source) =>
    filesInTheWay(declarations, source).filter(({ mayDeclare }) => mayDeclare(source)),
  )
  return [...new Set(files)]
}

const isRefused = ({ severity }: Finding): boolean => severity === 'refused'

function describe(server: readonly Finding[], streams: readonly StreamPlan[]): string {
  const none = `No stream is declared or has been fetched yet. Next: ${HEADRACE} init`
  const ofServer = server.length === 0 ? [] : [['ClickHouse:', ...server.map(describeFinding)].join('\n')]
  return [...ofServer, ...(streams.length === 0 ? [none] : streams.map(describeStream))].join('\n\n')
}

const describeFinding = ({ severity, message, remedy }: Finding): string =>
  `  ${severity === 'refused' ? '!' : '?'} ${shownText(message)}\n      ${remedy}`

function describeStream({ stream, table, by, schema, steps, findings }: StreamPlan): string {
  const refused = findings.filter(isRefused).length
  const words = refused > 0 ? 'refused: the table waits' : steps.length > 0 ? 'changed by the loader' : 'nothing to do'
  return [
    `${stream} → ${table} (by the ${by} schema): ${words}`,
    ...schema.map(
      ({ path, change, additive }) => `  ${additive ? '+' : '!'} schema: ${shownName(path)}: ${shownText(change)}`,
    ),
    ...findings.map(describeFinding),
    ...steps.map(({ what, statement }) => `  + ${shownText(what)}\n${indented(statement)};`),
  ].join('\n')
}

const indented = (text: string): string => text.replaceAll(/^/gm, '      ')
