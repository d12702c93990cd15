/**
 * The files of a source with several streams: one declaration, a test, and the pages that were read of each stream. All
 * are loaded and walked before anything is written, and hold no secret. A stream that cannot be declared is omitted.
 */
import { join } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { recordingText } from '../../../fetcher/authoring/recording/recording.ts'
import { walkRecording } from '../../../fetcher/authoring/recording/testing.ts'
import { type DeclaredSource, sourceDeclaration } from '../asked/declaration-text.ts'
import { recordPages } from '../asked/record-pages.ts'
import type { StreamPart } from '../asked/stream-lines.ts'
import { testsText } from '../declaration.ts'
import { compiledFrom, type NewFile } from '../files.ts'
import type { SettledStream } from './settle-stream.ts'
import { extrasOf, needsValues, type ParentStream, type Parents, pathTypes, withAddedFields } from './stream-extras.ts'

export type SourceFiles = {
  files: NewFile[]
  /** Streams that are declared. */
  declared: SettledStream[]
  parents: Parents
  /** One line for each stream with records that do not fit, or that is omitted. */
  doubts: string[]
}

type Source = Omit<DeclaredSource, 'parts'>
type Tools = { dir: string; clock: Clock; notesOf(stream: SettledStream): string[] }

export async function sourceFiles(
  source: Source,
  settled: readonly SettledStream[],
  isOpen: (stream: SettledStream, parents: Parents) => boolean,
  tools: Tools,
): Promise<SourceFiles> {
  const doubts: string[] = []
  const declared: SettledStream[] = []
  const compiled = new Map<string, Stream>()
  const parents = new Map<string, ParentStream>()
  const file = `${source.name}.ts`
  for (const each of settled) {
    const { stream } = each.stream
    const parts = lineOf(each, declared).map((one) => partOf(one, parents, true, tools))
    if (each.findings.fields.length === 0) {
      doubts.push(`${stream} is omitted: the document names no fields of its records`)
      continue
    }
    try {
      const text = sourceDeclaration({ ...source, parts })
      compiled.set(stream, await compiledFrom(text, file, stream))
      declared.push(each)
      if (!needsValues(each.stream, parents))
        parents.set(stream, { findings: each.findings, types: pathTypes(each.stream, parents) })
    } catch (error) {
      doubts.push(`${stream} is omitted: ${messageOf(error)}`)
    }
  }
  if (declared.length === 0) throw nothing(doubts)
  const text = sourceDeclaration({ ...source, parts: declared.map((each) => partOf(each, parents, false, tools)) })
  refuseSecrets(text, declared)
  const walked = declared.filter(
    (each) => each.asked !== null && each.stream.pathValues === null && !isOpen(each, parents),
  )
  const recorded: Recorded[] = []
  for (const each of walked) recorded.push(await recording(each, compiled.get(each.stream.stream) as Stream, tools))
  doubts.push(...recorded.flatMap((each) => each.doubts))
  const anyOpen = declared.some((each) => isOpen(each, parents))
  const pages = anyOpen ? [] : recorded.flatMap(({ file: pagesFile }) => (pagesFile === null ? [] : [pagesFile]))
  return {
    files: [
      { path: join(tools.dir, file), text, what: 'the declaration' },
      ...(pages.length === 0
        ? []
        : [
            {
              path: join(tools.dir, `${source.name}.test.ts`),
              text: testsText(
                source.name,
                pages.map(({ stream }) => stream),
              ),
              what: 'its test, which needs no API',
            },
          ]),
      ...pages.map(({ name, text: pagesText, stream }) => ({
        path: join(tools.dir, name),
        text: pagesText,
        what: `the pages of ${stream} that were read, for the test`,
      })),
    ],
    ...{ declared, parents, doubts },
  }
}

function partOf(settled: SettledStream, parents: Parents, decided: boolean, { notesOf }: Tools): StreamPart {
  const { stream, endpoint, findings } = settled
  const extras = extrasOf(stream, findings, { parents, decided, notes: notesOf(settled) })
  return { endpoint, findings: withAddedFields(findings, extras.envelope, pathTypes(stream, parents)), decided, extras }
}

/** A stream behind its parents, the first of them first. */
function lineOf(stream: SettledStream, declared: readonly SettledStream[]): SettledStream[] {
  const line = [stream]
  for (let [first] = line; first !== undefined; [first] = line) {
    const above = first.stream.pathValues?.parent?.stream
    const parent = declared.find((each) => each.stream.stream === above)
    if (parent === undefined || line.includes(parent)) break
    line.unshift(parent)
  }
  return line
}

const nothing = (doubts: readonly string[]): WrongUse =>
  new WrongUse('HR_OPENAPI', 'no list of the document makes a valid declaration: nothing was written', {
    hint: doubts.slice(0, 3).join('; '),
  })

function refuseSecrets(text: string, declared: readonly SettledStream[]): void {
  if (declared.every(({ asked }) => asked === null || asked.api.redactor.text(text) === text)) return
  throw new WrongUse('HR_INIT', 'the declaration would hold a secret: nothing was written', {
    hint: 'remove it from the document: a server or a parameter has it as a value',
  })
}

type Recorded = { file: { stream: string; name: string; text: string } | null; doubts: string[] }

async function recording({ asked, endpoint }: SettledStream, stream: Stream, { clock }: Tools): Promise<Recorded> {
  if (asked === null) return { file: null, doubts: [] }
  const { baseUrl } = endpoint.known
  try {
    const { deadLetters, drift, pages } = await recordPages(stream, asked, baseUrl, clock)
    const doubts = [
      ...(deadLetters.length === 0 ? [] : [`${deadLetters.length} records of ${stream.name} do not fit its schema`]),
      ...(Object.keys(drift).length === 0 ? [] : [`${stream.name} has other fields: ${Object.keys(drift).join(', ')}`]),
    ]
    if (pages === null || doubts.length > 0) return { file: null, doubts }
    await walkRecording(stream, pages)
    const name = `${endpoint.name}.${stream.name}.recording.json`
    return { file: { stream: stream.name, name, text: recordingText(pages) }, doubts }
  } catch (error) {
    asked.tools.signal.throwIfAborted()
    return { file: null, doubts: [`${stream.name}: a run would stop: ${messageOf(error)}`] }
  }
}
