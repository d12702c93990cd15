/**
 * Whether the API can be asked for changes. A likely parameter is sent with the middle of the values that were seen.
 * The response must then hold nothing older. One request for each parameter.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { HeadraceError } from '#shared/errors.ts'
import { comparePositions, type Position, requestText, roundedDown } from '#shared/watermark.ts'
import { recordsIn } from '../../../fetcher/authoring/check/pages.ts'
import { firstRequest } from '../../../fetcher/pages/first-request.ts'
import { contextOf } from '../../../fetcher/validate/envelope.ts'
import { createValidator } from '../../../fetcher/validate/validate.ts'
import { endsTrials, type TrialTools } from './try-paging.ts'

export type FoundWatermark = { field: string; param: string; why: string }

const TRIED_MAX = 3

/** `streamWith`: the stream with that watermark. Null if no parameter filters. */
export async function findWatermark(
  field: string,
  params: readonly string[],
  records: readonly unknown[],
  streamWith: (param: string) => Stream,
  tools: TrialTools,
): Promise<FoundWatermark | null> {
  for (const param of params.slice(0, TRIED_MAX)) {
    try {
      const why = await filters(streamWith(param), records, tools)
      if (why !== null) return { field, param, why }
    } catch (error) {
      tools.signal.throwIfAborted()
      if (!(error instanceof HeadraceError)) throw error
      if (endsTrials(error)) return null
    }
  }
  return null
}

async function filters(stream: Stream, records: readonly unknown[], tools: TrialTools): Promise<string | null> {
  const { watermark } = stream
  if (watermark === null) return null
  const validate = createValidator(stream)
  const { send, signal, endpoint } = tools
  const sorted = positionsOf(validate(records, contextOf(stream, 0, { body: null, headers: {} })).records).sort(
    comparePositions,
  )
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) return null
  const from = roundedDown(watermark.kind, middle, watermark.form)
  const older = sorted.filter((position) => comparePositions(position, from) < 0).length
  if (older === 0) return null
  const text = requestText(middle, watermark.form)
  const request = firstRequest(stream, endpoint.known.baseUrl, 0, text)
  const answer = await send(request, { signal, stream: stream.label, decode: stream.decode })
  const since = positionsOf(validate(recordsIn(stream, answer) ?? [], contextOf(stream, 0, answer)).records)
  if (since.length === 0 || since.some((position) => comparePositions(position, from) < 0)) return null
  return `with it the API returned ${since.length} records, none of them older than asked for`
}

const positionsOf = (records: readonly { position: Position | null }[]): Position[] =>
  records.flatMap(({ position }) => (position === null ? [] : [position]))
