/**
 * The text of a declaration that was made by asking the API. Each guess has a comment that says what it was guessed
 * from, each open decision a `todo(…)`.
 */
import { credentialsPart } from '../credentials.ts'
import type { Known } from '../known.ts'
import { comment, LINE_COLUMNS, lines, quoted } from '../source-text.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointFindings } from './findings.ts'
import { type StreamPart, streamImports, streamLines } from './stream-lines.ts'

/** `decided`: with the best guess in place of each open decision, so that it can be loaded. */
export function askedDeclaration(endpoint: Endpoint, findings: EndpointFindings, decided = false): string {
  const { counts } = findings
  const { name, known } = endpoint
  return sourceDeclaration({
    ...{ name, known, quota: findings.quota, notes: [] },
    origin: `${counts.records} records of ${pagesText(counts.pages)}`,
    parts: [{ endpoint, findings, decided }],
  })
}

const pagesText = (pages: number): string => (pages === 1 ? '1 page' : `${pages} pages`)

export type DeclaredSource = {
  name: string
  known: Pick<Known, 'description' | 'credentials' | 'headers'> & { baseUrl: string }
  quota: EndpointFindings['quota']
  /** Comments at the head of the source. */
  notes: readonly string[]
  /** What the declaration was made from. */
  origin: string
  parts: readonly StreamPart[]
}

/** A source with one or more streams. */
export function sourceDeclaration({ name, known, quota, notes, origin, parts }: DeclaredSource): string {
  const credentials = credentialsPart(known)
  const needs = [...credentials.imports, ...parts.flatMap(streamImports), 'defineSource', 'z']
  return `${lines([
    `/** ${headOf(name, known.description)} */`,
    `import { ${[...new Set(needs)].sort(byName).join(', ')} } from 'headrace'`,
    '',
    comment(`Written by headrace init from ${origin}.`, ''),
    '// A comment says what each guess was made from.',
    ...notes.map((note) => comment(note, '')),
    'export default defineSource({',
    `  name: ${quoted(name)},`,
    `  baseUrl: ${quoted(known.baseUrl)},`,
    credentials.variables.length > 0 &&
      '  // Names of environment variables, never their values. NAME_FILE may point to a file with the value.',
    credentials.authCode !== '' && `  auth: ${credentials.authCode},`,
    credentials.headersCode !== '' && `  headers: ${credentials.headersCode},`,
    quota.why === null
      ? '  // At most this, over all workers. The API names no quota; its documentation says what it allows.'
      : `  // guessed: ${quota.why}. At most this, over all workers.`,
    `  quota: { requests: ${quota.requests}, per: ${quoted(quota.per)} },`,
    '  streams: {',
    ...parts.flatMap(streamLines),
    '  },',
    '})',
  ])}\n`
}

/** On one line, and without what would end the comment. */
function headOf(name: string, description: string | undefined): string {
  const text = (description ?? 'describe it here, and where its API is documented.')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('*/', '* /')
  const head = `${name}: ${text}`
  const room = LINE_COLUMNS - '/**  */'.length
  return head.length <= room ? head : `${head.slice(0, room - 1)}…`
}

/** As the formatter sorts the names of an import: without case, upper case first. */
const byName = (a: string, b: string): number => {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x < y ? -1 : x > y ? 1 : 0
}
