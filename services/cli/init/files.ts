/**
 * The files of a new source, tested before anything is written. The declaration is loaded, and the made-up pages are
 * walked as its test does.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { loadSources } from '#shared/declaration/load-sources.ts'
import { DeclarationError, WrongUse } from '#shared/errors.ts'
import { recordingText } from '../../fetcher/authoring/recording/recording.ts'
import { walkRecording } from '../../fetcher/authoring/recording/testing.ts'
import type { InitAnswers } from './answers.ts'
import { declarationText, testText } from './declaration.ts'
import { exampleRecording } from './example.ts'

export type NewFile = { path: string; text: string; what: string }

/** Declaration, test and recording, in this order. Throws WrongUse for answers that give no valid declaration. */
export async function filesFor(answers: InitAnswers, dir: string, clock: Clock): Promise<NewFile[]> {
  const { name, stream } = answers
  const declaration = `${name}.ts`
  const recording = `${name}.${stream}.recording.json`
  const text = declarationText(answers)
  const compiled = await compiledFrom(text, declaration)
  const preview = `${HEADRACE} --sources ${dir} preview ${name}.${stream} --record ${join(dir, recording)}`
  const note = `Made up by headrace init. Replace it with real pages: ${preview}`
  const example = await exampleRecording(compiled, answers, note, clock)
  await walkRecording(compiled, example)
  return [
    { path: join(dir, declaration), text, what: 'the declaration' },
    {
      path: join(dir, `${name}.test.ts`),
      text: testText(answers, { declaration, recording }),
      what: 'its test, which needs no API',
    },
    {
      path: join(dir, recording),
      text: recordingText(example),
      what: 'made-up pages for the test, until real ones are recorded',
    },
  ]
}

/** A stream of a declaration's text, by default the first. Throws WrongUse if the text is not a declaration. */
export async function compiledFrom(text: string, file: string, name?: string): Promise<Stream> {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-init-'))
  try {
    writeFileSync(join(dir, file), text)
    const sources = await loadSources([dir])
    const stream = sources.at(-1)?.streams.find((each) => name === undefined || each.name === name)
    if (stream === undefined) throw new RangeError('no stream')
    return stream
  } catch (error) {
    if (!(error instanceof DeclarationError)) throw error
    const hint = error.hint === undefined ? 'nothing was written' : `${error.hint}; nothing was written`
    const mistake = error.message.replaceAll(`${dir}/`, '')
    throw new WrongUse('HR_OPTION', `these answers do not make a valid declaration: ${mistake}`, { hint })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
