/**
 * The files of a source that was made by asking its API: the declaration, and its test with the pages that were read.
 * The test is omitted while a decision is open. They are loaded and walked before anything is written, and hold no
 * secret.
 */
import { join } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import { WrongUse } from '#shared/errors.ts'
import { type Recording, recordingText } from '../../../fetcher/authoring/recording/recording.ts'
import { walkRecording } from '../../../fetcher/authoring/recording/testing.ts'
import { testText } from '../declaration.ts'
import { compiledFrom, type NewFile } from '../files.ts'
import { askedDeclaration } from './declaration-text.ts'
import type { AskedApi } from './findings.ts'
import { recordPages } from './record-pages.ts'

export type AskedFiles = { files: NewFile[]; deadLetters: number; drift: readonly string[] }

export async function askedFiles({ findings, api, tools }: AskedApi, dir: string, clock: Clock): Promise<AskedFiles> {
  const { endpoint } = tools
  const { name, stream } = endpoint
  const declaration = `${name}.ts`
  const recording = `${name}.${stream}.recording.json`
  const compiled = await compiledFrom(askedDeclaration(endpoint, findings, true), declaration)
  const { baseUrl } = endpoint.known
  const { deadLetters, drift, pages: recorded } = await recordPages(compiled, { api, tools }, baseUrl, clock)
  const text = askedDeclaration(endpoint, findings)
  if (api.redactor.text(text) !== text)
    throw new WrongUse('HR_INIT', 'the declaration would hold a secret: nothing was written', {
      hint: 'give it as $NAME, and not as a part of the address or of a plain header',
    })
  const main: NewFile = { path: join(dir, declaration), text, what: 'the declaration' }
  const isOpen = findings.paging.open !== null
  const others = isOpen || recorded === null ? [] : await testFiles(recorded)
  return { files: [main, ...others], deadLetters: deadLetters.length, drift: Object.keys(drift) }

  async function testFiles(pages: Recording): Promise<NewFile[]> {
    await walkRecording(compiled, pages)
    return [
      {
        path: join(dir, `${name}.test.ts`),
        text: testText({ name, stream }, { declaration, recording }, Object.keys(drift)),
        what: 'its test, which needs no API',
      },
      { path: join(dir, recording), text: recordingText(pages), what: 'the pages that were read, for the test' },
    ]
  }
}
