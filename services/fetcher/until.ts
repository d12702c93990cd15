/**
 * Where a run's walk ends, when it does not go on to whatever is newest: behind now by the time that records are given to settle, where the API
 * can be asked so. Pure.
 */
import type { Stream } from '../../shared/declaration.ts'
import { comparePositions, requestText, stepAfter, stepBefore } from '../../shared/watermark.ts'
import { sincePosition } from './since.ts'

type Range = {
  stream: Pick<Stream, 'watermark'>
  /** The watermark to go on from, null for the stream's start. */
  from: string | null
  /** Start of the run, epoch milliseconds. */
  startedMs: number
}

const NS_PER_MS = 1_000_000n

/** The end as the request has it; null: the run asks for everything up to now. */
export function untilText({ stream, from, startedMs }: Range): string | null {
  const { watermark } = stream
  if (watermark === null || watermark.settle === 0 || (watermark.to === undefined && watermark.toBody === undefined)) return null
  const settled = BigInt(Math.floor(startedMs - watermark.settle)) * NS_PER_MS
  const { kind, form, inclusiveEnd } = watermark
  const since = sincePosition(from, stream)
  // An end before the beginning would be refused by the API; nothing beyond the settled time is confirmed by asking for a little more.
  const end = since !== null && comparePositions(settled, since) <= 0 ? stepAfter(kind, since, form) : settled
  return requestText(inclusiveEnd ? stepBefore(kind, end, form) : end, form)
}
