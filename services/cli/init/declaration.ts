/**
 * The text of a new declaration and of its test. It is short, has a comment where an author has to decide, and is
 * formatted as this repository is.
 */
import type { InitAnswers } from './answers.ts'
import { lines, literal, property, quoted } from './source-text.ts'

/** Names of environment variables begin with the source's name. */
export const variableName = (name: string, what: string): string => `${name.toUpperCase().replaceAll('-', '_')}_${what}`

type Part = { code: string; imports: string[]; variables: string[] }

export function authPart({ name, auth }: Pick<InitAnswers, 'name' | 'auth'>): Part {
  const refs = (whats: string[]) => whats.map((what) => variableName(name, what))
  const secret = (text: string) => `secret('${text}')`
  switch (auth) {
    case 'none':
      return { code: '', imports: [], variables: [] }
    case 'bearer': {
      const [token = ''] = refs(['TOKEN'])
      return { code: `bearer(${secret(token)})`, imports: ['bearer', 'secret'], variables: [token] }
    }
    case 'api-key':
    case 'api-key-query': {
      const [key = ''] = refs(['KEY'])
      const place = auth === 'api-key' ? "name: 'X-API-Key'" : "in: 'query', name: 'api_key'"
      return { code: `apiKey({ key: ${secret(key)}, ${place} })`, imports: ['apiKey', 'secret'], variables: [key] }
    }
    case 'basic': {
      const [user = '', password = ''] = refs(['USER', 'PASSWORD'])
      const code = `basic({ username: ${secret(user)}, password: ${secret(password)} })`
      return { code, imports: ['basic', 'secret'], variables: [user, password] }
    }
    case 'oauth2': {
      const [id = '', key = ''] = refs(['CLIENT_ID', 'CLIENT_SECRET'])
      const code = `oauth2ClientCredentials({
    tokenUrl: '/oauth/token',
    clientId: ${secret(id)},
    clientSecret: ${secret(key)},
  })`
      return { code, imports: ['oauth2ClientCredentials', 'secret'], variables: [id, key] }
    }
  }
}

function paginatePart({ paginate, next, param, limit }: InitAnswers): { code: string; import: string } {
  switch (paginate) {
    case 'cursor':
      return { code: `cursor({ next: ${quoted(next)}, param: ${quoted(param)} })`, import: 'cursor' }
    case 'link-header':
      return { code: 'linkHeader()', import: 'linkHeader' }
    case 'next-url':
      return { code: `nextUrl({ next: ${quoted(next)} })`, import: 'nextUrl' }
    case 'page-number':
      return { code: `pageNumber({ param: ${quoted(param)}, stop: 'empty' })`, import: 'pageNumber' }
    case 'offset':
      return { code: `offset({ limit: ${limit}, param: ${quoted(param)} })`, import: 'offset' }
    case 'none':
      return { code: 'none()', import: 'none' }
  }
}

export function declarationText(answers: InitAnswers): string {
  const { name, stream, watermark } = answers
  const auth = authPart(answers)
  const paginate = paginatePart(answers)
  const imports = [...new Set([...auth.imports, paginate.import, 'defineSource', 'z'])].sort()
  const params = Object.entries(answers.params).map(
    ([param, value]) => `${property(param)}: ${typeof value === 'number' ? value : quoted(value)}`,
  )
  return `${lines([
    `/** ${name}: describe it here, and where its API is documented. */`,
    `import { ${imports.join(', ')} } from 'headrace'`,
    '',
    'export default defineSource({',
    `  name: ${quoted(name)},`,
    `  baseUrl: ${quoted(answers.url)},`,
    auth.code !== '' &&
      '  // Names of environment variables, never their values. NAME_FILE may point to a file with the value.',
    auth.code !== '' && `  auth: ${auth.code},`,
    '  // At most this, over all workers. The documentation of the API says what it allows.',
    "  quota: { requests: 60, per: '1m' },",
    '  streams: {',
    `    ${property(stream)}: {`,
    `      path: ${quoted(answers.path)},`,
    params.length > 0 && `      params: { ${params.join(', ')} },`,
    answers.paginate === 'none' &&
      '      // The API has one page only. Or: cursor, linkHeader, nextUrl, pageNumber, offset, keyset, graphql.',
    `      paginate: ${paginate.code},`,
    '      // Where the response has its array of records (RFC 6901).',
    `      records: ${quoted(answers.records)},`,
    '      // Validation, registered schema and ClickHouse table follow from it. Other fields are kept in _extra.',
    '      schema: z.object({',
    ...fieldsOf(answers).map(({ field, type }) => `        ${property(field)}: ${type},`),
    '      }),',
    `      primaryKey: [${answers.key.map(quoted).join(', ')}],`,
    ...(watermark === null
      ? [
          '      // Without a watermark every run reads everything. With one it requests changes only:',
          "      // watermark: { field: 'updated_at', param: 'since', lookback: '1m' },",
        ]
      : [
          '      // Each run requests changes since the last value, and a little earlier for late records.',
          '      // Add sorted: true only if the API returns records in this order.',
          `      watermark: { field: ${quoted(watermark.field)}, param: ${quoted(watermark.param)}, lookback: '1m' },`,
        ]),
    "      every: '5m',",
    '    },',
    '  },',
    '})',
  ])}\n`
}

/** The key and the watermark: all that a declaration must name. */
export function fieldsOf({
  key,
  watermark,
}: Pick<InitAnswers, 'key' | 'watermark'>): { field: string; type: string }[] {
  const names = [...new Set([...key, ...(watermark === null ? [] : [watermark.field])])]
  return names.map((field) => ({
    field,
    type: field === watermark?.field ? 'z.iso.datetime({ offset: true })' : 'z.string()',
  }))
}

const testHead = (declaration: string): string[] => [
  '/** Needs neither the API nor a secret: it reads recorded pages with the code of a run. */',
  "import assert from 'node:assert/strict'",
  "import { test } from 'node:test'",
  "import { walkRecorded } from 'headrace/testing'",
  `import source from './${declaration}'`,
  '',
]

/** `files`: those of the declaration and the recording, in the folder of the test. */
export function testText(
  { name, stream }: Pick<InitAnswers, 'name' | 'stream'>,
  files: { declaration: string; recording: string },
  /** Fields of the recorded pages that the schema does not have. */
  unknown: readonly string[] = [],
): string {
  return `${lines([
    ...testHead(files.declaration),
    `const RECORDING = new URL('./${files.recording}', import.meta.url)`,
    '',
    `test('the recorded pages of ${name}.${stream} match the declaration', async () => {`,
    `  const { records, deadLetters, drift } = await walkRecorded(source, ${quoted(stream)}, RECORDING)`,
    '  assert.deepEqual(deadLetters, [])',
    '  // Fields that are not in the schema: add them there, or list here those that stay in _extra.',
    unknown.length === 0
      ? '  assert.deepEqual(drift, {})'
      : `  assert.deepEqual(Object.keys(drift), ${literal(unknown, '  ', 40)})`,
    '  assert.ok(records.length > 0)',
    '})',
  ])}\n`
}

/** The same for several streams; their recordings are named by source and stream. */
export function testsText(name: string, streams: readonly string[]): string {
  return `${lines([
    ...testHead(`${name}.ts`),
    `const STREAMS = ${literal(streams, '', 'const STREAMS = '.length)}`,
    '',
    'for (const stream of STREAMS) {',
    `  test(\`the recorded pages of ${name}.\${stream} match the declaration\`, async () => {`,
    `    const recording = new URL(\`./${name}.\${stream}.recording.json\`, import.meta.url)`,
    '    const { records, deadLetters, drift } = await walkRecorded(source, stream, recording)',
    '    assert.deepEqual(deadLetters, [])',
    '    // Fields that are not in the schema: add them there, or list here those that stay in _extra.',
    '    assert.deepEqual(drift, {})',
    '    assert.ok(records.length > 0)',
    '  })',
    '}',
  ])}\n`
}
