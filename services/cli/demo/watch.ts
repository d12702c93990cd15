/** Waits until everything that the API has released is confirmed in ClickHouse, and shows the progress. */
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import { type PartitionStatus, type StreamStatus, statusOf } from '../../operator/status/status.ts'
import type { SampleApiCounts } from '../../sample-api/sample-api.ts'
import type { Child } from './child.ts'
import type { Screen } from './screen.ts'
import type { Warehouse } from './warehouse.ts'

export type Watch = {
  kafka: Kafka
  names: Names
  warehouse: Warehouse
  stream: string
  screen: Screen
  children: readonly Child[]
  signal: AbortSignal
  title: string
  counts: SampleApiCounts
}

const POLL_EVERY_MS = 300
const WAIT_MAX_MS = 120_000

/** Throws Stopped when a service exits, on an interruption, or when it takes longer than the bound. */
export async function watchUntilConfirmed(watch: Watch): Promise<{ watermarks: string[] }> {
  const { counts, screen, title } = watch
  const rowsWanted = counts.released - counts.damaged
  const deadlineMs = systemClock.elapsedMs() + WAIT_MAX_MS
  while (systemClock.elapsedMs() < deadlineMs) {
    watch.signal.throwIfAborted()
    for (const child of watch.children) refuseEnded(child)
    const status = await currentStatus(watch)
    const partitions = status?.partitions ?? []
    const rows = (await watch.warehouse.count()) ?? 0
    const letters = partitions.reduce((sum, each) => sum + each.deadLetters.count, 0)
    screen.progress(`${title}: loaded`, rows, rowsWanted)
    screen.progress(`${title}: dead letters`, letters, counts.damaged)
    if (rows >= rowsWanted && letters >= counts.damaged && partitions.length > 0 && partitions.every(isConfirmed)) {
      screen.settle()
      return { watermarks: partitions.map(({ watermark }) => watermark ?? 'none') }
    }
    await systemClock.sleep(POLL_EVERY_MS, watch.signal)
  }
  throw new Stopped('HR_DEMO_SLOW', `the ${title} is not loaded after ${WAIT_MAX_MS / 1000} s`, {
    hint: `read ${watch.children.map(({ log }) => log).join(' and ')}`,
  })
}

/** The loader has confirmed what the fetcher's finished run published last. */
const isConfirmed = ({ checkpoint, watermark, offsets }: PartitionStatus): boolean =>
  checkpoint?.done === true && offsets === 0 && watermark === checkpoint.watermark

async function currentStatus({ kafka, names, stream }: Watch): Promise<StreamStatus | null> {
  const known = (await kafka.topics()).includes(names.records({ source: 'quakes', stream: 'earthquakes' }))
  return known ? ((await statusOf(kafka, names, [stream], systemClock.nowMs()))[0] ?? null) : null
}

function refuseEnded(child: Child): void {
  const end = child.ended()
  if (end !== null)
    throw new Stopped('HR_DEMO_SERVICE_ENDED', `the ${child.name} ended with status ${end.code}`, {
      hint: `see its log: ${child.log}`,
    })
}
