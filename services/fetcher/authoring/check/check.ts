/**
 * Checks whether a source works before it runs. Each step asks one question and, on failure, says what to change. It
 * calls the API with the client of a run, within the quota. It reads at most two pages per stream, and what changed
 * since. It publishes nothing and needs no other server.
 */
import type { Clock } from '#shared/clock.ts'
import type { Source, Stream } from '#shared/declaration/compile.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import { messageOf } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import { createRedactor } from '#shared/redact/value.ts'
import { type Api, type ApiTools, type Asked, openApi } from '../api.ts'
import { createDryRun, type DryRun, type SeenPage } from '../dry-run.ts'
import { ownRequestsMax, sampleSlice, sliceNotes } from '../sample-slice.ts'
import { addressStep, credentialsStep, hintOf, isOutOfReach, secretsStep } from './access.ts'
import { firstPageStep, secondPageStep } from './pages.ts'
import { quotaStep } from './quota.ts'
import { orderStep, sampleRecords, schemaStep } from './records.ts'
import { type Attempt, type CheckStep, failed, ok, type PlacedStep, placed, skipped, withNotes } from './step.ts'
import { watermarkStep } from './watermark.ts'

export type CheckOptions = Omit<ApiTools, 'requestsMax'> & {
  source: Source
  /** Of that source. */
  streams: readonly Stream[]
  signal: AbortSignal
  /** Called with each step as soon as it is known. */
  onStep?(step: PlacedStep): void
}

export type Checked = { steps: PlacedStep[]; requests: readonly Asked[] }

/** Two pages and two requests for what changed since, each three times at worst. */
const STREAM_REQUESTS_MAX = 12

const requestsMax = (streams: readonly Stream[]): number =>
  streams.reduce((sum, stream) => sum + STREAM_REQUESTS_MAX + ownRequestsMax(stream), 0)

/** Throws the signal's reason; every other failure is a step. */
export async function checkSource(options: CheckOptions): Promise<Checked> {
  const { source, streams } = options
  const steps: PlacedStep[] = []
  let redactor = createRedactor(() => [])
  const tell = (stream: Stream | null, step: CheckStep): CheckStep => {
    const shown = redactor.value(placed(stream, step))
    steps.push(shown)
    options.onStep?.(shown)
    return step
  }

  tell(null, ok('declaration', `${source.file}, ${source.streams.map(({ name }) => name).join(', ')}`))
  if (tell(null, secretsStep(source, options.resolver)).status === 'failed') return { steps, requests: [] }
  let api: Api
  try {
    api = openApi(source, { ...options, requestsMax: requestsMax(streams) })
  } catch (error) {
    tell(null, failed('address', messageOf(error), hintOf(error)))
    return { steps, requests: [] }
  }
  redactor = api.redactor
  try {
    let answers = true
    for (const stream of streams) {
      if (answers)
        answers = await checkStream({
          ...options,
          stream,
          api,
          startedMs: options.clock.nowMs(),
          tell: (step) => tell(stream, step),
        })
      else tell(stream, skipped('address', 'not called again'))
    }
    tell(
      null,
      quotaStep(
        source,
        api.answers.map(({ headers }) => headers),
      ),
    )
    return { steps, requests: api.asked }
  } finally {
    await api.close()
  }
}

type StreamCheck = {
  stream: Stream
  api: Api
  clock: Clock
  log: Log
  signal: AbortSignal
  startedMs: number
  tell(step: CheckStep): CheckStep
}

/** False if other streams would not get a response either. */
async function checkStream({ api, signal, startedMs, tell, ...tools }: StreamCheck): Promise<boolean> {
  const { source } = tools.stream
  let { stream } = tools
  let dryRun: DryRun
  let found: string[] = []
  try {
    const sampled = await sampleSlice(stream, 0, { ...tools, baseUrl: api.baseUrl, send: api.send, signal })
    stream = sampled.asFirst
    found = sliceNotes(sampled)
    const { clock, log } = tools
    dryRun = createDryRun({ stream, partition: 0, baseUrl: api.baseUrl, send: api.send, signal, startedMs, clock, log })
  } catch (error) {
    tell(failed('first page', messageOf(error), hintOf(error)))
    return true
  }
  const first = await nextPage(dryRun, signal)
  const unread = dryRun.answered() === 0 ? first.error : null
  const access = [tell(addressStep(source, api, unread)), tell(credentialsStep(source, unread))]
  const refused = access.some(({ status }) => status === 'failed')
  if (tell(withNotes(firstPageStep(dryRun, first, refused), found)).status !== 'ok') {
    for (const step of ['second page', 'schema', 'watermark', 'order'] as const)
      tell(skipped(step, 'there are no records to check'))
    return !isOutOfReach(first.error)
  }
  const hasNext = first.page !== null && !first.page.last
  tell(secondPageStep(dryRun, first, hasNext ? await nextPage(dryRun, signal) : null))
  const seen = sampleRecords(dryRun)
  tell(schemaStep(stream, seen))
  tell(await watermarkStep({ stream, api, signal }, seen.fit))
  const pages = pagesOf(stream.paginate).kind
  const counted = dryRun.pages.some((page) => page.counted === true) || pages === 'page-number' || pages === 'offset'
  tell(orderStep(stream, seen, counted))
  return true
}

async function nextPage(dryRun: DryRun, signal: AbortSignal): Promise<Attempt<SeenPage>> {
  try {
    return { page: await dryRun.next(), error: null }
  } catch (error) {
    signal.throwIfAborted()
    return { page: null, error }
  }
}
