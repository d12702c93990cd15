/**
 * What a run would publish of a stream's first pages, without publishing it. Uses the client, walk and validation of a
 * run, and no Kafka, registry or ClickHouse. The result holds no secret, so it can be shown, printed and stored.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { WrongUse } from '#shared/errors.ts'
import { NOTHING_REDACTED } from '#shared/redact/value.ts'
import { beginning } from '#shared/shown.ts'
import { maxPosition, type Position, watermarkText } from '#shared/watermark.ts'
import { type Api, type ApiTools, type Asked, openApi } from './api.ts'
import { createDryRun, type DryRun, type DryRunRecords, dryRunRecords, type SeenPage } from './dry-run.ts'
import { explainFailure, type FailureExplanation } from './explain-failure.ts'
import { equalKeysIn, type RecordKeyParts, recordKeyParts } from './record-key-parts.ts'
import { createRecorder, type Recording } from './recording/recording.ts'
import { type FoundShown, ownRequestsMax, type SampleSlice, sampleSlice } from './sample-slice.ts'

export type PreviewOptions = Omit<ApiTools, 'requestsMax'> & {
  stream: Stream
  partition: number
  pages: number
  /** How many records and dead letters to show. */
  records: number
  signal: AbortSignal
}

export type Preview = {
  stream: string
  partition: number
  /** Of discovered partitions: the values of the one slice that is shown. */
  share: string | null
  /** The slices that were discovered; null if a partition is one slice. */
  slices: FoundShown | null
  pages: number
  /** There is a page after these. */
  more: boolean
  /** Of all pages; the lists below hold the first few. */
  counts: { records: number; deadLetters: number; drift: number; leftOut: number; unchanged: number }
  records: DryRunRecords['records']
  deadLetters: DryRunRecords['deadLetters']
  drift: DryRunRecords['drift']
  /** Highest position of these pages, as it would be confirmed. */
  watermark: string | null
  requests: readonly Asked[]
  /** What the key is made of, where it is a hash of the record. */
  recordKey?: RecordKeyParts
  /** What a run would warn about: records that may be missing. */
  warnings: readonly string[]
  /** Why a run would stop before one of these pages. */
  wouldStop: FailureExplanation | null
  /** What ended the preview early. */
  error: FailureExplanation | null
}

export type Previewed = {
  preview: Preview
  /** Null if there was no response. */
  recording: Recording | null
  /** The error that `preview.error` describes. */
  error: unknown
}

export const PAGES_MAX = 100
export const RECORDS_MAX = 10_000
/** Three attempts, and room for a token that is refused or a redirect. */
const PAGE_REQUESTS_MAX = 5
/** A dead letter can be as large as a record. */
const RAW_CHARS_MAX = 2000

/** Throws WrongUse for a number out of range, and the signal's reason; the preview holds every other failure. */
export async function previewStream(options: PreviewOptions): Promise<Previewed> {
  const { stream, partition, signal } = options
  refuseWrongNumbers(options)
  let shown: SampleSlice = { stream, asFirst: stream, partition, slice: null, found: null }
  let api: Api | null = null
  let dryRun: DryRun | null = null
  let recorder: ReturnType<typeof createRecorder> | null = null
  let error: unknown = null
  try {
    api = openApi(stream.source, {
      ...options,
      requestsMax: options.pages * PAGE_REQUESTS_MAX + ownRequestsMax(stream),
    })
    const { baseUrl, redactor } = api
    shown = await sampleSlice(stream, partition, { ...options, baseUrl, send: api.send })
    recorder = createRecorder(shown.stream, { partition: shown.partition, baseUrl, redactor, clock: options.clock })
    const { clock, log } = options
    const { startedMs } = recorder
    dryRun = createDryRun({ ...shown, baseUrl, send: recorder.around(api.send), signal, startedMs, clock, log })
    while (dryRun.pages.length < options.pages && (await dryRun.next()) !== null);
  } catch (failure) {
    signal.throwIfAborted()
    error = failure
  } finally {
    await api?.close()
  }
  return { preview: previewOf(options, shown, api, dryRun, error), recording: recorder?.recording() ?? null, error }
}

function previewOf(
  { stream, records }: PreviewOptions,
  { stream: sampled, partition, slice, found: slices }: SampleSlice,
  api: Api | null,
  dryRun: DryRun | null,
  error: unknown,
): Preview {
  const pages = dryRun?.pages ?? []
  const found = dryRunRecords(pages)
  const drift = Object.keys(found.drift).length
  const stopped = dryRun?.wouldStop() ?? null
  const parts = recordKeyParts(sampled, partition)
  const shown = (api?.redactor ?? NOTHING_REDACTED).value({
    records: found.records.slice(0, records),
    deadLetters: found.deadLetters.slice(0, records),
    drift: found.drift,
    watermark: highest(stream, pages),
  })
  return {
    stream: stream.label,
    partition,
    share: slice,
    slices,
    pages: pages.length,
    more: pages.at(-1)?.last === false,
    counts: {
      records: found.records.length,
      deadLetters: found.deadLetters.length,
      drift,
      leftOut: found.leftOut,
      unchanged: found.unchanged,
    },
    ...shown,
    deadLetters: shown.deadLetters.map((letter) => ({ ...letter, raw: beginning(letter.raw, RAW_CHARS_MAX) })),
    ...(parts === null ? {} : { recordKey: parts }),
    warnings: [
      ...pages.flatMap(({ cautions = [], incomplete }) => [
        ...cautions.map(({ says }) => says),
        ...(incomplete === undefined ? [] : [`a run would hold the watermark: ${incomplete}`]),
      ]),
      ...equalKeysIn(pages.flatMap(({ validated }) => validated.records)),
    ],
    requests: api?.asked ?? [],
    wouldStop: stopped === null ? null : explainFailure(stopped, stream, api),
    error: error === null ? null : explainFailure(error, stream, api),
  }
}

function highest({ watermark }: Stream, pages: readonly SeenPage[]): string | null {
  if (watermark === null) return null
  const positions = pages.flatMap(({ validated }) => validated.records.map(({ position }) => position))
  const position = positions.reduce<Position | null>(maxPosition, null)
  return position === null ? null : watermarkText(watermark.kind, position)
}

function refuseWrongNumbers({ stream, partition, pages, records }: PreviewOptions): void {
  const last = stream.partitions.length - 1
  const refuse = (option: string, expected: string) =>
    new WrongUse('HR_OPTION', `--${option}: expected ${expected}`, {
      hint: `${HEADRACE} preview ${stream.label} --${option} N`,
    })
  if (!(Number.isInteger(partition) && partition >= 0 && partition <= last)) {
    throw refuse('partition', last === 0 ? `0, the only one of ${stream.label}` : `a whole number from 0 to ${last}`)
  }
  if (!(Number.isInteger(pages) && pages >= 1 && pages <= PAGES_MAX))
    throw refuse('pages', `a whole number from 1 to ${PAGES_MAX}`)
  if (!(Number.isInteger(records) && records >= 0 && records <= RECORDS_MAX))
    throw refuse('records', `a whole number from 0 to ${RECORDS_MAX}`)
}
