/**
 * What the fetcher's way of a record costs without servers, in numbers that no other load on the machine changes: bytes
 * allocated and functions called for each record. Run by `hot-path.ts` with flags that make them repeatable. Prints one
 * JSON object.
 */
import { Session } from 'node:inspector/promises'
import { getHeapStatistics } from 'node:v8'
import { encodeBatch } from '#shared/kafka/kafkajs-patches/record-batch.ts'
import { cut } from '#shared/kafka/produce/append.ts'
import { frameHead } from '#shared/messages/frame.ts'
import { createSeenRecords } from '../services/fetcher/deduplicate/seen-records.ts'
import { parseJson } from '../services/fetcher/http/transport/lossless-json.ts'
import { createValidator } from '../services/fetcher/validate/validate.ts'
import type { HotPathCosts } from './hot-path.ts'
import { median, rounded } from './numbers.ts'
import { PAGE_RECORDS } from './pages.ts'
import { WALK_LISTS, WALK_SETS, type WalkList, type WalkSet } from './walk-sets.ts'

const WARM_PAGES = 5
const PAGES = 5
const REMEMBERED = 100_000
const HEAD = frameHead(1)
const BATCH = { producerId: 1n, producerEpoch: 0, firstSequence: 0, transactional: true, nowMs: 0 }
/** Generated functions, of the schemas, have no address. */
const OWN_CODE = /^$|\/(?:services|shared|zod)\//

/** From the text of a page to the bytes of its Kafka batches. Ends with no page under way. */
function pathOf(list: WalkList): (text: string) => Promise<void> {
  const validate = createValidator(list.stream(1))
  const seen = createSeenRecords(REMEMBERED)
  return async (text) => {
    const body = parseJson(text) as { data: unknown[] }
    const { records, rejected } = validate(body.data, { body, headers: {}, values: {} })
    const fresh = seen.withoutUnchanged(records, rejected, records.at(-1)?.position ?? null)
    if (fresh.records.length !== PAGE_RECORDS) throw new RangeError(`${list.name}: not every record is published`)
    const messages = fresh.records.map(({ key, payload }) => ({ key, value: payload, head: HEAD, timestampMs: 0 }))
    for (const piece of cut(messages, 0)) await encodeBatch(piece, BATCH, null)
  }
}

async function allocatedBy(work: () => Promise<void>): Promise<number> {
  globalThis.gc?.()
  const before = getHeapStatistics().used_heap_size
  await work()
  return getHeapStatistics().used_heap_size - before
}

async function callsBy(session: Session, work: () => Promise<void>): Promise<number> {
  await session.post('Profiler.takePreciseCoverage')
  await work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  let calls = 0
  for (const { url, functions } of result)
    if (OWN_CODE.test(url)) for (const { ranges } of functions) calls += ranges[0]?.count ?? 0
  return calls
}

async function costOf(set: WalkSet) {
  const bytes: number[] = []
  let calls = 0
  for (const list of WALK_LISTS[set]) {
    const [walk, write] = [pathOf(list), list.writer()]
    let page = 0
    const next = () => {
      page += 1
      return write(page * PAGE_RECORDS, page).toString()
    }
    for (let index = 0; index < WARM_PAGES; index++) await walk(next())
    const ofPages: number[] = []
    for (let index = 0; index < PAGES; index++) {
      const text = next()
      ofPages.push(await allocatedBy(() => walk(text)))
    }
    bytes.push(median(ofPages) * list.share)
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    const text = next()
    calls += (await callsBy(session, () => walk(text))) * list.share
    await session.post('Profiler.stopPreciseCoverage')
    session.disconnect()
  }
  const perRecord = (count: number) => rounded(count / PAGE_RECORDS, 1)
  return { bytes: perRecord(bytes.reduce((sum, each) => sum + each, 0)), calls: perRecord(calls) }
}

const costs: Partial<HotPathCosts> = {}
for (const set of WALK_SETS) costs[set] = await costOf(set)
process.stdout.write(`${JSON.stringify(costs)}\n`)
