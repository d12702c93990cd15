/** What `init --openapi` has found and written, for a person or as JSON. */

import { join } from 'node:path'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readOptions } from '#shared/config/config.ts'
import { shownText } from '#shared/shown.ts'
import { asJson, print } from '../../output.ts'
import { sourcesFlag } from '../../source-dirs.ts'
import { counted } from '../../table-output.ts'
import { credentialsPart } from '../credentials.ts'
import type { Known } from '../known.ts'
import { testCommand } from '../new-files.ts'
import type { ReadDocument } from './read-document.ts'
import type { SettledStream } from './settle-stream.ts'
import type { SourceFiles } from './source-files.ts'
import { openQuestionsOf } from './stream-notes.ts'

type Reported = {
  name: string
  document: ReadDocument
  from: string
  settled: readonly SettledStream[]
  made: SourceFiles
  known: Pick<Known, 'credentials' | 'headers'>
  options: { dir: string; json?: boolean }
}

/** How many decisions are open. */
export function report({ name, document, from, settled, made, known, options }: Reported): number {
  const open = made.declared.flatMap((stream) => openQuestionsOf(stream, made.parents))
  const problems = document.problems.lines()
  const doubts = [...document.doubts, ...made.doubts]
  const { variables } = credentialsPart(known)
  const next = nextSteps(name, variables, made, options.dir)
  const asked = settled.flatMap(({ asked: api }) => api?.api.asked ?? [])
  if (options.json === true) {
    const files = made.files.map(({ path }) => path)
    const streams = settled.map(({ stream, reason }) => ({
      stream: stream.stream,
      path: stream.path,
      asked: reason === null,
      reason,
    }))
    print(
      asJson({
        files,
        next,
        streams,
        decide: open,
        doubts,
        problems,
        counts: document.counts,
        requests: asked,
      }),
    )
    return open.length
  }
  const requests = asked.reduce((sum, { attempts }) => sum + attempts, 0)
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${shownText(line)}`)]
  print(
    [
      headline(from, document),
      ...section('Wrong in the document:', problems),
      ...section(`Streams, with ${counted(requests, 'request')}:`, settled.map(streamLine)),
      ...section('In doubt:', doubts),
      ...section('To decide, before it can run:', open),
      ...section(
        'Written:',
        made.files.map(({ path, what }) => `${path}: ${what}`),
      ),
      ...section('Next:', next),
    ].join('\n'),
  )
  return open.length
}

function headline(from: string, { title, version, counts, streams }: ReadDocument): string {
  const { gets, lists, meant } = counts
  const all = meant === lists ? '' : `, ${meant} of them meant by --only`
  const more = meant > streams.length ? `; the first ${streams.length} are declared: choose others with --only` : ''
  const format = `${version === '2.0' ? 'Swagger' : 'OpenAPI'} ${version}`
  const what = `${shownText(from)}: ${shownText(title ?? 'without a title')} (${format})`
  return `${what}, ${counted(gets, 'GET operation')}, ${counted(lists, 'list')}${all}${more}`
}

function streamLine({ stream, findings, reason }: SettledStream): string {
  const { counts, paging, key } = findings
  const where = `${stream.stream} (${stream.path})`
  if (reason !== null) return `${where}: from the document alone: ${reason}`
  const found = `${counted(counts.records, 'record')} on ${counted(counts.pages, 'page')}`
  const pages = paging.open === null ? paging.candidate.kind : 'paging to decide'
  return `${where}: ${found}, ${pages}, key ${key.fields?.join(', ') ?? "'record'"}`
}

function nextSteps(
  name: string,
  variables: readonly string[],
  { files, declared }: SourceFiles,
  dir: string,
): string[] {
  const headrace = HEADRACE + sourcesFlag(readOptions(environment), dir)
  const [first] = declared
  const hasTest = files.some(({ path }) => path.endsWith('.test.ts'))
  return [
    ...variables.map((variable) => `export ${variable}=…`),
    `${headrace} check ${name}`,
    ...(first === undefined ? [] : [`${headrace} preview ${name}.${first.stream.stream}`]),
    ...(hasTest ? [testCommand(join(dir, `${name}.test.ts`))] : []),
  ]
}
