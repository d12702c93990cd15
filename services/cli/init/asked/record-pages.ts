/**
 * Records the pages of a stream that were read while its API was asked, as its declaration walks them. The requests are
 * those that were made before, so none is sent again.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { createDryRun, type DryRunRecords, dryRunRecords } from '../../../fetcher/authoring/dry-run.ts'
import { createRecorder, type Recording } from '../../../fetcher/authoring/recording/recording.ts'
import type { AskedApi } from './findings.ts'

/** `pages`: null if there was no response. */
export type RecordedPages = DryRunRecords & { pages: Recording | null }

const PAGES = 2

/** Throws what stops a run. */
export async function recordPages(
  stream: Stream,
  { api, tools }: Pick<AskedApi, 'api' | 'tools'>,
  baseUrl: string,
  clock: Clock,
): Promise<RecordedPages> {
  const recorder = createRecorder(stream, { partition: 0, baseUrl, redactor: api.redactor, clock })
  const { startedMs } = recorder
  const send = recorder.around(tools.send)
  const dryRun = createDryRun({ stream, partition: 0, baseUrl, send, signal: tools.signal, startedMs })
  while (dryRun.pages.length < PAGES && (await dryRun.next()) !== null);
  return { ...dryRunRecords(dryRun.pages), pages: recorder.recording() }
}
