/**
 * The step over the watermark: requests what changed since the highest value seen. It checks that the response respects
 * that bound, and that records equal to it are returned again. One request, and a second one step earlier if they are
 * not.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import {
  comparePositions,
  earlier,
  maxPosition,
  type Position,
  requestText,
  roundedDown,
  stepBefore,
  watermarkText,
} from '#shared/watermark.ts'
import { PageRefused } from '../../http/errors.ts'
import type { PageResponse } from '../../http/messages.ts'
import { firstRequest } from '../../pages/first-request.ts'
import { contextOf } from '../../validate/envelope.ts'
import { createValidator } from '../../validate/validate.ts'
import type { ValidRecord } from '../../validate/validated-page.ts'
import type { Api } from '../api.ts'
import { hintOf } from './access.ts'
import { recordsIn } from './pages.ts'
import { type CheckStep, failed, ok, skipped } from './step.ts'

export type Since = {
  /** As the request writes it, and its meaning: rounded down to the precision of the form. */
  text: string
  position: Position
  records: readonly Placed[]
}
type Placed = ValidRecord & { position: Position }
type Tools = { stream: Stream; api: Api; signal: AbortSignal }

/** Throws the signal's reason. */
export async function watermarkStep(tools: Tools, seen: readonly ValidRecord[]): Promise<CheckStep> {
  const { watermark } = tools.stream
  if (watermark === null) return skipped('watermark', 'none is declared: every run reads everything')
  const records = seen.filter(isPlaced)
  const highest = records.map(({ position }) => position).reduce<Position | null>(maxPosition, null)
  if (highest === null) return skipped('watermark', 'there are no records to take it from')
  if (watermark.walk !== undefined) return walkStep(watermark, records, highest)
  const { kind } = tools.stream.paginate
  if (kind === 'windows' || kind === 'generator' || kind === 'export-job') {
    const upTo = `${watermark.field} up to ${watermarkText(watermark.kind, highest)}`
    return ok('watermark', upTo, ['the parameter is not checked: paginate makes the request'])
  }
  const place = placeName(watermark)
  try {
    const since = await askSince(tools, watermark, highest)
    const first = firstVerdict(watermark, since, records, highest)
    if (first !== null) return first
    if (typeof since.position === 'string')
      return leftOut(watermark, since, 'declare another field: a text has no previous value')
    const earlier = await askSince(tools, watermark, stepBefore(watermark.kind, since.position, watermark.form))
    return secondVerdict(watermark, since, earlier, keysAt(records, highest))
  } catch (error) {
    tools.signal.throwIfAborted()
    if (!(error instanceof PageRefused)) return failed('watermark', messageOf(error), hintOf(error))
    return failed('watermark', messageOf(error), `check ${place} and the format that the API expects: ${FORMS}`)
  }
}

/** The request holds no watermark: only the order of the records can be checked. */
function walkStep(
  { walk, field, kind, lookback }: Watermarking,
  seen: readonly Placed[],
  highest: Position,
): CheckStep {
  const upTo = `${field} up to ${watermarkText(kind, highest)}`
  if (walk === 'everything') return ok('watermark', `${upTo}; every run walks everything`)
  const wrong = seen.findIndex(
    ({ position }, at) =>
      at > 0 && comparePositions(earlier(kind, position, lookback), seen[at - 1]?.position ?? position) > 0,
  )
  if (wrong === -1) return ok('watermark', `${upTo}, newest first`)
  const advice = "ask the API for that order in params, or declare walk: 'everything'"
  return failed('watermark', `record ${wrong + 1} is newer than the one before it: not newest first`, advice)
}

const FORMS = "as: 'iso', 'isoSeconds', 'isoLocal', 'isoDate', 'epochMs', 'epochSeconds', 'httpDate' or a function"

async function askSince({ stream, api, signal }: Tools, watermark: Watermarking, from: Position): Promise<Since> {
  const { kind, form } = watermark
  const text = requestText(from, form)
  const request = firstRequest(stream, api.baseUrl, 0, text)
  const answer: PageResponse = await api.send(request, { signal, stream: stream.label, decode: stream.decode })
  return {
    text,
    position: roundedDown(kind, from, form),
    records: createValidator(stream)(recordsIn(stream, answer) ?? [], contextOf(stream, 0, answer)).records.filter(
      isPlaced,
    ),
  }
}

/** Null: the records equal to the requested value were not returned. */
function firstVerdict(
  watermark: Watermarking,
  since: Since,
  seen: readonly Placed[],
  highest: Position,
): CheckStep | null {
  const asked = askedText(watermark, since)
  // An author's form may round by the days of another zone: up to one unit more comes then.
  const { kind, form } = watermark
  const least = typeof form === 'object' ? stepBefore(kind, since.position, form) : since.position
  const older = since.records.filter(({ position }) => comparePositions(position, least) < 0).length
  if (older > 0) {
    const advice = `check the name of the parameter and the format that the API expects: ${FORMS}`
    return failed(
      'watermark',
      `the API does not honour ${asked}: ${older} of ${since.records.length} records are older`,
      advice,
    )
  }
  const upTo = `${watermark.field} up to ${watermarkText(watermark.kind, highest)}`
  const keys = keysAt(seen, highest)
  const again = since.records.filter(({ key }) => keys.has(key))
  if (again.length === 0) return null
  if (!seen.some(({ position }) => comparePositions(position, since.position) < 0)) {
    return ok('watermark', upTo, [`all records seen have this value, so it is unknown whether ${asked} is honoured`])
  }
  const exact = comparePositions(since.position, highest) === 0
  const came = again.some(({ position }) => comparePositions(position, highest) === 0)
  if (!exact || !came)
    return ok('watermark', `${upTo}; ${asked} is honoured`, ['it is unknown whether equal records are returned again'])
  const needless = watermark.exclusive
    ? ['exclusive: true is not needed: each run requests a little more than necessary']
    : []
  return ok('watermark', `${upTo}; ${asked} is honoured, and equal records are returned again`, needless)
}

function secondVerdict(watermark: Watermarking, since: Since, earlier: Since, keys: ReadonlySet<string>): CheckStep {
  const asked = askedText(watermark, since)
  if (earlier.records.some(({ key }) => keys.has(key))) {
    if (!watermark.exclusive)
      return leftOut(watermark, since, 'add exclusive: true to watermark: runs then start one step earlier')
    return ok('watermark', `${asked} is honoured, and equal records are excluded, as declared`)
  }
  if (!watermark.sorted && since.records.length > 0) {
    return ok('watermark', `${asked} is honoured`, [
      'the newest records are not on the first page, so it is unknown whether equal ones are returned again',
    ])
  }
  const advice = `the API may read the value differently: check the format that it expects: ${FORMS}`
  return failed('watermark', `${asked} and one step earlier return none of the newest records`, advice)
}

const leftOut = (watermark: Watermarking, since: Since, advice: string): CheckStep =>
  failed(
    'watermark',
    `${askedText(watermark, since)} excludes equal records: late records with the same value would be lost`,
    advice,
  )

const askedText = ({ place }: Watermarking, { text }: Since): string => `${Object.values(place)[0] ?? 'from'}=${text}`

/** A parameter by its name alone. */
function placeName({ place }: Watermarking): string {
  const [kind, name] = Object.entries(place)[0] ?? []
  if (kind === undefined) return 'the functions of the request'
  return kind === 'param' ? `${name}` : `${kind} ${name}`
}

const keysAt = (records: readonly Placed[], position: Position): Set<string> =>
  new Set(records.filter((record) => comparePositions(record.position, position) === 0).map(({ key }) => key))

const isPlaced = (record: ValidRecord): record is Placed => record.position !== null
