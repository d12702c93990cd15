/**
 * What the random faults are done to: a private stack, a stream that never rests, loaders as real processes behind
 * proxies, and a whole pipeline beside them. Records of the stream come in new versions of few keys, so that order
 * matters; a small share of them ClickHouse refuses.
 */
import { systemClock as clock } from '#shared/clock.ts'
import { z } from '#shared/index.ts'
import { type ClickHouseProxy, clickhouseProxy, type Mishap } from '../../support/clickhouse-proxy.ts'
import { type KafkaMishap, type KafkaProxy, startKafkaProxy } from '../../support/kafka-proxy.ts'
import { commits, until } from '../../support/loading.ts'
import { type Closes, type Running, start } from '../../support/processes.ts'
import { compileStream, ownPlace, type Place, type Published, publish } from '../../support/published.ts'
import { between } from '../../support/random.ts'
import { type OwnStack, ownStack } from '../../support/stack.ts'
import { openWalk, type Walk } from './walk.ts'

export const PARTITIONS = 3
const KEYS = 500
const PAGE_RECORDS_MAX = 40
const BAD_SHARE = 0.004
const PAGE_EVERY_MS = 20
/** The API of the pipeline gets a record as often as this many pages are published. */
const PAGES_A_RECORD = 25
const LOADERS = 2
/** For all of them to start among faults on a busy machine, and to load a first page. */
const LOADED_WITHIN_MS = 120_000
/** So that a dead loader is missed before the next fault. */
const SESSION_TIMEOUT_MS = '6000'

const SETTINGS = {
  LOADER_BATCH_AGE_MS: '200',
  LOADER_BATCH_ROWS: '400',
  LOADER_IN_FLIGHT_BYTES: '400000',
  KAFKA_SESSION_TIMEOUT_MS: SESSION_TIMEOUT_MS,
}

/** A process that whoever runs it starts again. */
export type Service = Running & { again(): Service }

export type Scene = {
  stack: OwnStack
  place: Place
  orders: Published
  random: () => number
  proxy: ClickHouseProxy
  /** Between Kafka and all processes. */
  network: KafkaProxy
  walk: Walk
  /** Those of the stream, and the one of the pipeline. */
  loaders: Service[]
  fetcher: Service
  /** What happens to the next insert into a table of records. */
  mishap: () => Mishap
  /** What happens to the next request to Kafka. */
  onKafka: (api: string) => KafkaMishap
  figures: {
    pages: number
    failedPages: number
    loadersStarted: number
    startedWithoutServer: number
    looks: number
    forged: number
  }
  startLoader(): Running
  /** Nothing if it was replaced meanwhile. */
  replace(service: Service): void
  /** A service that finds no Kafka or no registry at its start says so and ends; whoever runs it starts it again. */
  supervise(): void
  /** Meanwhile nobody starts a service again. */
  unattended(work: () => Promise<void>): Promise<void>
  /**
   * Faults may come before a loader has made the table. A fault that needs it waits, and until every partition is
   * committed: from then on no loader makes a table of that name anew.
   */
  untilLoaded(): Promise<void>
  /** A person resets the offsets: they may go back once. */
  forgetOffsets(): void
  /** Ends the stream; throws when an offset went back, or a service ended by itself. */
  quiet(): Promise<void>
}

const schema = z.object({
  id: z.string(),
  total: z.number(),
  note: z.string(),
  updated_at: z.iso.datetime({ offset: true }),
})

export async function openScene(closes: Closes, random: () => number): Promise<Scene> {
  const stack = await ownStack()
  closes.after(() => stack.remove())
  const place = await ownPlace(SETTINGS, stack)
  const orders = await publish(place, compileStream({ schema }), PARTITIONS)
  const figures = { pages: 0, failedPages: 0, loadersStarted: 0, startedWithoutServer: 0, looks: 0, forged: 0 }
  const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
    table === orders.table ? scene.mishap() : 'pass',
  )
  const network = await startKafkaProxy(closes, stack.brokers, (api) => scene.onKafka(api))
  const far = { KAFKA_BROKERS: network.brokers, CLICKHOUSE_URL: proxy.url }
  const walk = await openWalk(closes, stack, far)
  let ending = false
  let attended = true
  let last: number[] = []
  const wrong: Error[] = []

  async function publishForEver(): Promise<void> {
    for (let number = 1; !ending; number++) {
      try {
        await orders.page(pageOf(number, random))
        figures.pages += 1
      } catch {
        // Whether it is in the log, the log will say.
        figures.failedPages += 1
        await orders.refence().catch(() => undefined)
      }
      if (number % PAGES_A_RECORD === 0) walk.bring()
      await clock.sleep(PAGE_EVERY_MS)
    }
  }

  async function lookForEver(): Promise<void> {
    while (!ending) {
      await clock.sleep(500)
      supervise()
      const before = last
      const now = await commits(place, orders.topic).catch(() => null)
      if (now === null || before !== last) continue
      figures.looks += 1
      last = now.map((commit, partition) => commit?.offset ?? before[partition] ?? 0)
      for (const [partition, offset] of last.entries()) {
        if (offset < (before[partition] ?? 0))
          wrong.push(new Error(`offset ${before[partition]} of partition ${partition} went back to ${offset}`))
      }
    }
  }

  function supervise(): void {
    if (!attended) return
    for (const service of [...scene.loaders, scene.fetcher]) {
      if (!hasFoundNoServer(service)) continue
      figures.startedWithoutServer += 1
      scene.replace(service)
    }
  }

  const scene: Scene = {
    ...{ stack, place, orders, random, proxy, network, walk, figures, mishap: () => 'pass', onKafka: () => 'pass' },
    loaders: [],
    fetcher: kept(() => walk.pipeline.fetcher()),
    startLoader() {
      figures.loadersStarted += 1
      return start(closes, `loader ${figures.loadersStarted}`, ['load'], { ...place.env, ...far })
    },
    replace(service) {
      if (service !== scene.fetcher && !scene.loaders.includes(service)) return
      const next = service.again()
      if (service === scene.fetcher) scene.fetcher = next
      scene.loaders = scene.loaders.map((each) => (each === service ? next : each))
    },
    supervise,
    async unattended(work) {
      attended = false
      await work().finally(() => {
        attended = true
      })
    },
    untilLoaded: () =>
      until(
        `every partition of ${orders.topic} is loaded`,
        async () => {
          const loaded = (await commits(place, orders.topic)).filter((commit) => commit !== null && !commit.rowless)
          return loaded.length === PARTITIONS && loaded.every((commit) => (commit?.offset ?? 0) > 0)
        },
        LOADED_WITHIN_MS,
      ),
    forgetOffsets() {
      last = []
    },
    async quiet() {
      ending = true
      await Promise.all([publishing, looking])
      if (wrong[0] !== undefined) throw wrong[0]
    },
  }
  scene.loaders = [
    ...Array.from({ length: LOADERS }, () => kept(scene.startLoader)),
    kept(() => walk.pipeline.loader()),
  ]
  const publishing = publishForEver()
  const looking = lookForEver()
  closes.after(async () => {
    ending = true
    await Promise.allSettled([publishing, looking])
  })
  return scene
}

const kept = (begin: () => Running): Service => ({ ...begin(), again: () => kept(begin) })

/** What has been at work may not end for that. */
function hasFoundNoServer(service: Service): boolean {
  const wasAtWork = service.logged(/^loading |^partitions assigned/).length > 0
  return service.ended()?.status === 1 && !wasAtWork && /Kafka|schema registry/.test(service.stderr())
}

function pageOf(number: number, random: () => number) {
  const records = Array.from({ length: between(random, 0, PAGE_RECORDS_MAX) }, (_, index) => {
    const version = new Date(Date.UTC(2026, 0, 1) + number * 1000 - between(random, 0, 5_000)).toISOString()
    const bad = random() < BAD_SHARE
    return {
      id: bad ? `bad-${number}-${index}` : `order-${between(random, 1, KEYS)}`,
      total: bad ? 'much' : number,
      note: `page ${number}`,
      updated_at: version,
    }
  })
  const watermark = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString()
  return { partition: number % PARTITIONS, records, marker: { run: 'random', page: number, watermark } }
}
