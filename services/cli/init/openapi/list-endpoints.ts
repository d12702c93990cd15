/** The GET operations of a document whose answer is a list of records. Assumes an upgraded document. */
import { type DocumentRecords, findRecords } from './find-records.ts'
import type { SchemaTools } from './flatten.ts'
import { type Parameter, parametersOf } from './parameters.ts'
import { at, isTree, type Tree, textAt, treeAt } from './tree.ts'

export type ListEndpoint = {
  /** As the document writes it: with {names} of its parameters. */
  path: string
  operationId: string | null
  /** One line. */
  summary: string | null
  deprecated: boolean
  parameters: readonly Parameter[]
  records: DocumentRecords
  /** Of the whole response. */
  response: unknown
  /** Names of the headers of the response, in lower case. */
  headers: readonly string[]
  /** Of the operation itself; undefined where that of the document holds. */
  security: unknown
  /** Of the operation or its path; undefined where those of the document hold. */
  servers: unknown
}

export type Operations = { endpoints: ListEndpoint[] /** All GET operations. */; gets: number }

const SUMMARY_CHARS_MAX = 100
const JSON_TYPE = /^(application|text)\/([\w.-]+\+)?(json|hal|javascript)\b|^\*\/\*$|\bjson\b/i
const NOT_PAGES = /(jsonl|ndjson|json-seq|event-stream|json-lines)/i

export function listEndpoints(root: Tree, tools: SchemaTools): Operations {
  const paths = at(root, 'paths')
  if (!isTree(paths)) tools.problems.report('paths', 'is not an object, so there are no operations')
  const endpoints: ListEndpoint[] = []
  let gets = 0
  for (const [path, given] of Object.entries(isTree(paths) ? paths : {})) {
    if (path.startsWith('x-')) continue
    const { value: item } = tools.resolve(given)
    const operation = at(item, 'get')
    if (operation === undefined || operation === null) continue
    gets += 1
    const endpoint = endpointAt(path, item, operation, tools)
    if (endpoint !== null) endpoints.push(endpoint)
  }
  reportTwins(endpoints, tools)
  return { endpoints, gets }
}

function endpointAt(path: string, item: unknown, operation: unknown, tools: SchemaTools): ListEndpoint | null {
  const where = `GET ${path}`
  if (!path.startsWith('/')) tools.problems.report(where, 'the path does not start with /; read as if it did')
  if (!isTree(operation)) {
    tools.problems.report(where, 'is not an object; not read')
    return null
  }
  const answer = answerOf(where, operation, tools)
  if (answer === null) return null
  const words = path.split('/').filter((word) => word !== '')
  const isOne = /^\{.*\}(\.\w+)?$/.test(words.at(-1) ?? '')
  const word = words.findLast((each) => !each.includes('{'))?.replace(/\.\w+$/, '') ?? ''
  const records = findRecords(answer.schema, tools, { word, isOne })
  if (records === null) return null
  const summary = (textAt(operation, 'summary') ?? textAt(operation, 'description'))?.replace(/\s+/g, ' ').trim()
  return {
    path: path.startsWith('/') ? path : `/${path}`,
    operationId: textAt(operation, 'operationId'),
    summary: summary === undefined || summary.length > SUMMARY_CHARS_MAX ? null : summary,
    deprecated: at(operation, 'deprecated') === true,
    parameters: withPathNames(
      path,
      parametersOf(where, [at(item, 'parameters'), at(operation, 'parameters')], tools),
      tools,
    ),
    records,
    response: answer.schema,
    headers: answer.headers,
    security: at(operation, 'security'),
    servers: at(operation, 'servers') ?? at(item, 'servers'),
  }
}

/** The schema of the first 2xx with JSON; without any, that of `default`. */
function answerOf(where: string, operation: Tree, tools: SchemaTools): { schema: unknown; headers: string[] } | null {
  const responses = at(operation, 'responses')
  if (!isTree(responses)) {
    tools.problems.report(where, 'has no responses')
    return null
  }
  const statuses = Object.keys(responses)
    .filter((status) => /^2(\d\d|xx)$/i.test(status))
    .sort()
  for (const status of statuses.length > 0 ? statuses : ['default']) {
    const { value: response } = tools.resolve(at(responses, status))
    for (const [type, media] of Object.entries(treeAt(response, 'content'))) {
      const schema = at(media, 'schema')
      if (schema === undefined || !JSON_TYPE.test(type) || NOT_PAGES.test(type)) continue
      return { schema, headers: Object.keys(treeAt(response, 'headers')).map((name) => name.toLowerCase()) }
    }
  }
  return null
}

/** A name in the path that nothing declares is a parameter all the same. */
function withPathNames(path: string, parameters: readonly Parameter[], { problems }: SchemaTools): Parameter[] {
  const names = [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)
  const undeclared = names.filter((name) => !parameters.some((each) => each.in === 'path' && each.name === name))
  for (const name of undeclared) problems.report(`GET ${path}`, `{${name}} is not declared as a parameter`)
  const declared = parameters.filter(({ in: place, name }) => place !== 'path' || names.includes(name))
  return [
    ...declared,
    ...undeclared.map(
      (name): Parameter => ({
        name,
        in: 'path',
        required: true,
        value: null,
        isExample: false,
        values: [],
        maximum: null,
      }),
    ),
  ]
}

function reportTwins(endpoints: readonly ListEndpoint[], { problems }: SchemaTools): void {
  const seen = new Map<string, string>()
  for (const { operationId, path } of endpoints) {
    if (operationId === null) continue
    const first = seen.get(operationId)
    if (first === undefined) seen.set(operationId, path)
    else problems.report(`GET ${path}`, `has the operationId "${operationId}" of GET ${first}`)
  }
}
