/**
 * From the text of an OpenAPI or Swagger document to what is known of each of its lists before the API is asked. A
 * document that is wrong in places is read as far as it goes; what was wrong is a list of lines.
 */
import type { KnownCredentials, KnownSchema, KnownText } from '../known.ts'
import { type Address, addressOf } from './address.ts'
import { credentialsOf } from './credentials.ts'
import { type ListEndpoint, listEndpoints } from './list-endpoints.ts'
import { isMeant } from './only.ts'
import { type PagingHint, pagingHint } from './paging-hints.ts'
import type { Parameter } from './parameters.ts'
import { parseDocument, type Version } from './parse-document.ts'
import { type PathValues, pathValues } from './path-values.ts'
import { createProblems, type Problems } from './problems.ts'
import { readShape } from './read-shape.ts'
import { resolverOf } from './references.ts'
import { schemaOf } from './shape-schema.ts'
import { streamNames } from './stream-names.ts'
import { type Tree, textAt, treeAt } from './tree.ts'
import { upgradeDocument } from './upgrade-document.ts'

/** Streams of one source. More are chosen in groups, with --only. */
export const STREAMS_MAX = 25

export type ReadOptions = {
  /** The file or the address, for messages. */
  from: string
  /** The address of the document, which relative servers count from; null for a file. */
  address: string | null
  /** Of the source. */
  name: string
  only?: string | undefined
}

export type DocumentStream = {
  stream: string
  path: string
  description: string | null
  recordsAt: string
  schema: KnownSchema
  /** Required parameters of the query, with what the document offers. */
  params: Record<string, string>
  paramNames: string[]
  /** Those of them, and of the path, whose values are examples of the document. */
  exampleParams: string[]
  /** Required parameters that the document offers no value for. */
  missingParams: string[]
  paging: PagingHint | null
  pathValues: PathValues | null
  deprecated: boolean
  /** False where the response has other arrays of objects as well. */
  isOnlyList: boolean
}

export type ReadDocument = {
  title: string | null
  version: Version
  address: Address
  credentials: KnownCredentials | null
  headers: Record<string, KnownText>
  /** What the document does not settle about address and credentials. */
  doubts: string[]
  streams: DocumentStream[]
  /** GET operations, lists among them, and those that `only` means. */
  counts: { gets: number; lists: number; meant: number }
  problems: Problems
}

/** Throws WrongUse for a text without such a document. */
export function readDocument(text: string, { from, address: base, name, only }: ReadOptions): ReadDocument {
  const problems = createProblems()
  const { root: given, version } = parseDocument(text, from, problems)
  const root = upgradeDocument(given, problems)
  const tools = { resolve: resolverOf(root, problems), problems }
  const address = addressOf(root.servers, base, problems)
  const { endpoints, gets } = listEndpoints(root, tools)
  const meant = endpoints.filter((endpoint) => isMeant(endpoint, only))
  const here = meant.filter((endpoint) => isHere(endpoint, address, base, problems))
  const chosen = here.toSorted((a, b) => rank(a) - rank(b)).slice(0, STREAMS_MAX)
  const names = streamNames(chosen.map(({ path }) => path))
  const listed = chosen.map((endpoint, index) => ({
    endpoint,
    stream: names[index] ?? '',
    shape: readShape(endpoint.records.item, tools),
  }))
  const { credentials, headers, doubts } = credentialsOf(
    root,
    chosen.map(({ security }) => security),
    { name, ...tools },
  )
  return {
    title: titleOf(root),
    version,
    address,
    credentials,
    headers,
    doubts,
    streams: listed.map((each) => {
      const { endpoint, stream, shape } = each
      const query = endpoint.parameters.filter((parameter) => parameter.in === 'query')
      const required = query.filter((parameter) => parameter.required)
      return {
        stream,
        path: endpoint.path,
        description: endpoint.summary,
        recordsAt: endpoint.records.pointer,
        schema: schemaOf(shape),
        params: Object.fromEntries(
          required.flatMap(({ name: param, value }) => (value === null ? [] : [[param, value]])),
        ),
        paramNames: query.map(({ name: param }) => param),
        exampleParams: endpoint.parameters.filter(isGuessed).map(({ name: param }) => param),
        missingParams: required.filter(({ value }) => value === null).map(({ name: param }) => param),
        paging: pagingHint(endpoint, tools),
        pathValues: pathValues(each, listed),
        deprecated: endpoint.deprecated,
        isOnlyList: endpoint.records.isOnly,
      }
    }),
    counts: { gets, lists: endpoints.length, meant: meant.length },
    problems,
  }
}

const isGuessed = ({ required, isExample }: Parameter): boolean => required && isExample

/** What can be asked at once comes first. */
const rank = ({ deprecated, parameters }: ListEndpoint): number =>
  (deprecated ? 100 : 0) + parameters.filter((parameter) => parameter.in === 'path').length

const titleOf = (root: Tree): string | null =>
  textAt(treeAt(root, 'info'), 'title')?.replace(/\s+/g, ' ').trim() ?? null

/** A source has one address. */
function isHere(endpoint: ListEndpoint, address: Address, base: string | null, problems: Problems): boolean {
  if (endpoint.servers === undefined) return true
  const own = addressOf(endpoint.servers, base, problems).baseUrl
  if (own === null || own === address.baseUrl) return true
  problems.report(`GET ${endpoint.path}`, `has a server of its own, ${own}: declare it as another source`)
  return false
}
