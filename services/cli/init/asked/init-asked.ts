/** `headrace init` with an address: asks the API for two pages, writes what it found, and says what is in doubt. */
import { systemClock } from '#shared/clock.ts'
import { environment, readOptions, resolverFor } from '#shared/config/config.ts'
import { Stopped, Unavailable } from '#shared/errors.ts'
import { PageFailed } from '../../../fetcher/http/errors.ts'
import { asJson, print, say } from '../../output.ts'
import { interruption, logFor } from '../../service-process.ts'
import { counted } from '../../table-output.ts'
import { credentialsPart } from '../credentials.ts'
import type { GivenEndpoint } from '../given.ts'
import { EXIT_OPEN, nextSteps, writeNew } from '../new-files.ts'
import { type AskedFiles, askedFiles } from './files.ts'
import { askEndpoint, type EndpointFindings } from './findings.ts'

export async function initByAsking(
  { endpoint, said, secrets, notes }: GivenEndpoint,
  { dir, json }: { dir: string; json?: boolean },
): Promise<number> {
  const values = readOptions(environment)
  const log = logFor('init', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'init interrupted: nothing was written'))
  try {
    const resolver = resolverFor({ ...environment, ...Object.fromEntries(secrets) })
    const { signal } = interrupted
    const asked = await askEndpoint({ endpoint, said, clock: systemClock, log, resolver, signal }).catch(withWayOut)
    const made = await askedFiles(asked, dir, systemClock).finally(() => asked.api.close())
    writeNew(dir, made.files)
    const { variables } = credentialsPart(endpoint.known)
    const next = nextSteps(endpoint, variables, dir, made.files)
    const found = foundLines(asked.findings, made)
    const open = openLines(endpoint.stream, asked.findings)
    if (json === true) {
      const files = made.files.map(({ path }) => path)
      print(asJson({ files, next, found, decide: open, notes, requests: asked.api.asked }))
    } else {
      for (const note of notes) say(`note: ${note}`)
      const requests = counted(
        asked.api.asked.reduce((sum, { attempts }) => sum + attempts, 0),
        'request',
      )
      print(
        [
          `Found in ${requests}:`,
          ...found.map((line) => `  ${line}`),
          ...(open.length === 0 ? [] : ['To decide, before it can run:', ...open.map((line) => `  ${line}`)]),
          'Written:',
          ...made.files.map(({ path, what }) => `  ${path}: ${what}`),
          'Next:',
          ...next.map((step) => `  ${step}`),
        ].join('\n'),
      )
    }
    return open.length === 0 ? 0 : EXIT_OPEN
  } finally {
    interrupted.close()
  }
}

/** The hint of a run, which continues later, does not fit here. */
function withWayOut(error: unknown): never {
  if (!(error instanceof PageFailed)) throw error
  throw new Unavailable(error.code, error.message, {
    hint: 'check the address, or write an example without a request: --offline',
    cause: error,
  })
}

function foundLines(
  { records, paging, key, watermark, watermarks, fields, counts }: EndpointFindings,
  made: AskedFiles,
): string[] {
  const where = records.pointer === '' ? 'in the response itself' : `at ${records.pointer}`
  const [candidate] = watermarks
  const since =
    watermark !== null
      ? `${watermark.field}, requested by ${watermark.param}`
      : candidate === undefined
        ? 'none'
        : `none; ${candidate.field} could be it, if the API takes a parameter for it`
  return [
    `records    ${counts.records} ${where}, on ${counted(counts.pages, 'page')}`,
    ...(paging.open === null ? [`paginate   ${paging.candidate.kind}: ${paging.candidate.why || 'as given'}`] : []),
    `primaryKey ${key.fields?.join(', ') ?? "'record'"}${key.doubt === null ? '' : `; in doubt: ${key.doubt}`}`,
    `watermark  ${since}`,
    `schema     ${counted(fields.length, 'field')}`,
    ...(made.deadLetters === 0 ? [] : [`in doubt   ${counted(made.deadLetters, 'record')} do not fit the schema`]),
    ...(made.drift.length === 0 ? [] : [`in doubt   not in the schema: ${made.drift.join(', ')}`]),
  ]
}

function openLines(stream: string, { paging }: EndpointFindings): string[] {
  if (paging.open === null) return []
  const field = paging.open.option === null ? 'paginate' : `paginate.${paging.open.option}`
  return [`stream ${stream}, field ${field}: ${paging.open.question}`]
}
