/** `headrace init --openapi`: writes a source with the lists of a document, asks its API, and says what is in doubt. */
import { systemClock } from '#shared/clock.ts'
import { environment, readOptions, resolverFor } from '#shared/config/config.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { interruption, logFor } from '../../service-process.ts'
import { QUOTA_DEFAULT } from '../asked/findings.ts'
import { endpointOf, type InitCommandOptions } from '../given.ts'
import { EXIT_OPEN, writeNew } from '../new-files.ts'
import { loadDocument } from './load-document.ts'
import { type ReadDocument, readDocument } from './read-document.ts'
import { report } from './report.ts'
import { settleAll } from './settle-all.ts'
import { sourceFiles } from './source-files.ts'
import { notesOf, openQuestionsOf } from './stream-notes.ts'

/** Options that say what the document says, of one list. */
const OF_ONE_LIST = [
  'fromCurl',
  'header',
  'path',
  'stream',
  'paginate',
  'next',
  'param',
  'limit',
  'records',
  'key',
  'watermark',
] as const

export async function initByOpenapi(name: string, where: string, options: InitCommandOptions): Promise<number> {
  refuseOthers(options)
  const values = readOptions(environment)
  const log = logFor('init', { log: { level: values.HEADRACE_LOG_LEVEL, format: values.HEADRACE_LOG_FORMAT } })
  const interrupted = interruption(new Stopped('HR_INTERRUPTED', 'init interrupted: nothing was written'))
  const resolver = resolverFor(environment)
  const { signal } = interrupted
  try {
    const loaded = await loadDocument(where, { signal, proxies: resolver.proxies })
    const { text, ...place } = loaded
    const document = readDocument(text, { ...place, name, only: options.only })
    refuseNone(document, place.from, options.only)
    const known = knownOf(name, document, options)
    const settled = await settleAll(document.streams, {
      ...{ name, known, clock: systemClock, log, resolver, signal },
      offline: options.offline === true,
    })
    const closing = () => Promise.all(settled.map(({ asked }) => asked?.api.close()))
    const made = await sourceFiles(
      {
        ...{ name, known: { ...known, description: titleOf(document) } },
        quota: settled.find(({ findings }) => findings.quota.why !== null)?.findings.quota ?? QUOTA_DEFAULT,
        notes: sourceNotes(document),
        origin: originOf(place.from, settled),
      },
      settled,
      (stream, parents) => openQuestionsOf(stream, parents).length > 0,
      { dir: options.dir, clock: systemClock, notesOf },
    ).finally(closing)
    writeNew(options.dir, made.files)
    const open = report({ name, document, from: place.from, settled, made, known, options })
    return open === 0 ? 0 : EXIT_OPEN
  } finally {
    interrupted.close()
  }
}

function refuseOthers(options: InitCommandOptions): void {
  const given = OF_ONE_LIST.find((option) => options[option] !== undefined)
  if (given === undefined) return
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new WrongUse('HR_OPTION', `--${flag} is of one list, and --openapi of all lists of a document`, {
    hint: 'edit the declaration afterwards; --openapi goes with --only, --url, --auth, --dir and --offline',
  })
}

function refuseNone({ counts, problems }: ReadDocument, from: string, only: string | undefined): void {
  if (counts.lists === 0) {
    throw new WrongUse(
      'HR_OPENAPI',
      `${from} has no list of records: ${counts.gets} GET operations, none with an array of objects`,
      {
        hint: problems.count() === 0 ? 'choose another way: init --url URL' : problems.lines().slice(0, 3).join('; '),
      },
    )
  }
  if (counts.meant > 0) return
  throw new WrongUse('HR_OPTION', `--only "${only}" means none of the ${counts.lists} lists of ${from}`, {
    hint: "write a path or an operationId, with * for any characters: --only '/orders*'",
  })
}

function knownOf(name: string, { address, credentials, headers }: ReadDocument, options: InitCommandOptions) {
  const given = options.url ?? address.baseUrl
  if (given === null) {
    throw new WrongUse('HR_OPTION', '--url is missing: the document does not name the address of its API', {
      hint: 'give it: --url https://api.shop.example/v1',
    })
  }
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || redactUrl(given) !== given) {
    throw new WrongUse('HR_OPTION', '--url: expected an http or https URL without a query or a user', {
      hint: 'give the address that the paths of the document follow: --url https://api.shop.example/v1',
    })
  }
  const common = { path: '/', ...(credentials === null ? {} : { credentials }), headers }
  const { known } = endpointOf(name, { ...common, baseUrl: given.replace(/\/+$/, '') }, { ...options, path: '/' })
  return { ...known, baseUrl: given.replace(/\/+$/, '') }
}

const titleOf = ({ title }: ReadDocument): string => `${title ?? 'an API without a title'}, from its OpenAPI document.`

/** What the document leaves open of the whole source. */
function sourceNotes({ address, doubts }: ReadDocument): string[] {
  const variables = address.variables.join(', ')
  return [
    ...(variables === '' ? [] : [`In doubt: the address has variables (${variables}); their defaults are in baseUrl.`]),
    ...doubts.map((doubt) => `In doubt: ${doubt}.`),
  ]
}

function originOf(from: string, settled: Awaited<ReturnType<typeof settleAll>>): string {
  const counts = settled.map(({ findings }) => findings.counts)
  const records = counts.reduce((sum, each) => sum + each.records, 0)
  const pages = counts.reduce((sum, each) => sum + each.pages, 0)
  return pages === 0
    ? `${from} alone`
    : `${from}, and ${records} records of ${pages === 1 ? '1 page' : `${pages} pages`}`
}
