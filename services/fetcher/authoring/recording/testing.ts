/**
 * What an author's test imports: `import { walkRecorded } from 'headrace/testing'`. It walks a stream over a recording
 * with the code of a run (first request, paginator, walk, map, schema, deduplication). So a test of a declaration needs
 * no API, no secret and no server.
 */

import { type Clock, systemClock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import type { Declared } from '#shared/declaration/source-spec.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import type { Send } from '../../http/messages.ts'
import { isInsideFile } from '../../pages/chunked-walk.ts'
import { streamOfSlice } from '../../slices/slice.ts'
import { createDryRun, type DryRunRecords, dryRunRecords } from '../dry-run.ts'
import { type RecordedRequest, type Recording, readRecording, requestOf } from './recording.ts'
import { replayed } from './replay.ts'

export type { DryRunRecords } from '../dry-run.ts'
export { type RecordedRequest, type Recording, readRecording } from './recording.ts'
export { replayed } from './replay.ts'

export type RecordedWalk = DryRunRecords & {
  /** Pages walked: all that the recording has. */
  pages: number
  /** The requests to the API, in order; without credentials. */
  requests: RecordedRequest[]
}

/**
 * Walks all of a recording. `declared` is the default export of the declaration, `stream` the stream's name in it,
 * `file` the recording (`new URL('./shop.orders.recording.json', import.meta.url)`). Throws what the run would throw,
 * DeclarationError, or WrongUse for a file that is not a recording of this stream. Throws Stopped for a request that
 * does not come next in it (HR_NOT_RECORDED), or if the walk ends early (HR_RECORDING_LEFT).
 */
export async function walkRecorded(declared: Declared, stream: string, file: string | URL): Promise<RecordedWalk> {
  return walkRecording(streamOf(declared, stream), readRecording(file))
}

export async function walkRecording(stream: Stream, recording: Recording): Promise<RecordedWalk> {
  if (recording.stream !== stream.label) {
    throw new WrongUse('HR_RECORDING', `this is a recording of ${recording.stream}, not of ${stream.label}`, {
      hint: `record one: ${HEADRACE} preview ${stream.label} --record FILE`,
    })
  }
  const { signal } = new AbortController()
  const requests: RecordedRequest[] = []
  const answer = replayed(recording, stream)
  const send: Send = (request, exchange) => {
    requests.push(requestOf(stream, request))
    return answer(request, exchange)
  }
  const startedMs = Date.parse(recording.recordedAt)
  const { values, extra } = recording
  const walked =
    values === undefined
      ? stream
      : streamOfSlice(stream, recording.partition, { values, ...(extra === undefined ? {} : { extra }) })
  const dryRun = createDryRun({
    stream: walked,
    partition: recording.partition,
    baseUrl: baseUrlOf(stream, recording),
    send,
    signal,
    startedMs,
    clock: UNWAITING,
  })
  const all = recording.exchanges.length
  // A page of a generator may take several exchanges, and the exchange of a file in chunks has several pages.
  const isUnread = () => dryRun.answered() < all || isInsideFile(walked, dryRun.pages.at(-1)?.cursor)
  while (isUnread() && (await dryRun.next()) !== null);
  if (dryRun.answered() < all) {
    throw new Stopped(
      'HR_RECORDING_LEFT',
      `${stream.label}: the walk ends after exchange ${dryRun.answered()}, but the recording has ${all}`,
      { hint: 'the declaration no longer finds the next page: correct paginate, or record again' },
    )
  }
  return { ...dryRunRecords(dryRun.pages), pages: dryRun.pages.length, requests }
}

/** A recorded job is done as soon as its recording says so. */
const UNWAITING: Clock = { ...systemClock, sleep: async () => {} }

function streamOf(declared: Declared, name: string): Stream {
  const source = compileSource(declared.input, 'the declaration under test')
  const stream = source.streams.find((each) => each.name === name)
  if (stream !== undefined) return stream
  throw new WrongUse('HR_UNKNOWN_STREAM', `${source.name} has no stream "${name}"`, {
    hint: `it has: ${source.streams.map((each) => each.name).join(', ')}`,
  })
}

/** A setting may have had another value during the recording, such as the port of a test server. */
const baseUrlOf = ({ source }: Stream, recording: Recording): string =>
  typeof source.baseUrl === 'string' ? new URL(source.baseUrl).href : recording.baseUrl
