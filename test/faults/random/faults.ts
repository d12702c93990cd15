/**
 * The faults, drawn one after the other, so that a fault meets whatever the ones before it have left to be made good.
 */
import assert from 'node:assert/strict'
import { MARKER_HEADER } from '#shared/messages/frame.ts'
import type { ServerName } from '../../../services/stack/stack.ts'
import type { Mishap } from '../../support/clickhouse-proxy.ts'
import { command, until } from '../../support/loading.ts'
import type { Running } from '../../support/processes.ts'
import { markerOf } from '../../support/published.ts'
import { between } from '../../support/random.ts'
import { type Fault, oneOf, seconds } from './draws.ts'
import { NETWORK_FAULTS } from './network-faults.ts'
import { PARTITIONS, type Scene, type Service } from './scene.ts'

const aLoader = (scene: Scene): Service => oneOf(scene, scene.loaders)
const theFetcher = (scene: Scene): Service => scene.fetcher

/** In order. A process that has not got as far as its first words knows no stop yet. */
async function ends(service: Running): Promise<void> {
  await until(`${service.name} speaks`, () => service.lines().length > 0 || service.ended() !== null)
  // Without Kafka or registry at its start; it is started again anyway.
  if (service.ended()?.status === 1) return
  assert.deepEqual(
    await service.stop(),
    { status: 0, signal: null },
    `${service.name}: ${service.stderr().slice(-500)}`,
  )
}

const toService = (
  name: string,
  of: (scene: Scene) => Service,
  weights: { killed: number; stopped: number; halted: number },
): Fault[] => [
  {
    name: `kill -9 of ${name}`,
    weight: weights.killed,
    async make(scene) {
      const service = of(scene)
      service.kill('SIGKILL')
      await service.exit
      await seconds(scene, 0, 3)
      scene.replace(service)
    },
  },
  {
    name: `SIGTERM to ${name}`,
    weight: weights.stopped,
    async make(scene) {
      const service = of(scene)
      await ends(service)
      scene.replace(service)
    },
  },
  {
    name: `${name} stands still`,
    weight: weights.halted,
    async make(scene) {
      const service = of(scene)
      service.kill('SIGSTOP')
      await seconds(scene, 1, 12)
      service.kill('SIGCONT')
    },
  },
]

const LIES: readonly Mishap[] = [
  'cut-answer',
  'cut-body',
  'slow',
  { header: 252 },
  { text: 'Code: 241. DB::Exception: made up by the test. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)' },
  { code: 252, name: 'TOO_MANY_PARTS' },
  { code: 241, name: 'MEMORY_LIMIT_EXCEEDED' },
  { code: 210, name: 'NETWORK_ERROR' },
  { status: 502 },
  { status: 429 },
]

const killed = (server: ServerName): Fault => ({
  name: `kill -9 of ${server}`,
  weight: server === 'kafka' ? 1 : 2,
  async make(scene) {
    await scene.stack.kill(server, 'SIGKILL')
    await seconds(scene, 0, 5)
    await scene.stack.start(server)
  },
})

const halted = (server: ServerName): Fault => ({
  name: `${server} stands still`,
  weight: 2,
  async make(scene) {
    await scene.stack.kill(server, 'SIGSTOP')
    await seconds(scene, 1, 9)
    await scene.stack.kill(server, 'SIGCONT')
  },
})

const byHand = (name: string, sql: string, back: string): Fault => ({
  name,
  weight: 1,
  async make(scene) {
    const { place, orders } = scene
    const run = (text: string) => command(place, text.replaceAll('{table}', `{db}.${orders.table}`))
    await scene.untilLoaded()
    await run(sql)
    await seconds(scene, 2, 6)
    await run(back)
  },
})

/** The run of markers that nobody of the pipeline wrote. */
export const FORGED_RUN = 'forged'
const YEAR_3000_MS = Date.UTC(3000, 0, 1)

/** Damaged ones, and ones that claim what their stream never declared, or what cannot be yet. */
function forgedMarker(scene: Scene): string {
  const marker = { ...markerOf(1, 0, Date.now()), run: FORGED_RUN }
  return oneOf(scene, [
    'no JSON',
    '['.repeat(9_000),
    JSON.stringify({ ...marker, run: 'r'.repeat(5_000) }),
    JSON.stringify({ ...marker, records: -7 }),
    JSON.stringify({ ...marker, at: 8e15 }),
    JSON.stringify({ ...marker, complete: { from: 0, startedMs: YEAR_3000_MS }, last: true }),
    JSON.stringify({ ...marker, watermark: new Date(YEAR_3000_MS).toISOString() }),
  ])
}

const FORGED: Fault = {
  name: 'somebody else writes markers into the topic',
  weight: 2,
  async make(scene) {
    const messages = Array.from({ length: 3 }, () => ({
      key: null,
      value: null,
      headers: { [MARKER_HEADER]: forgedMarker(scene) },
    }))
    const sender = scene.place.kafka.sender()
    scene.figures.forged += messages.length
    try {
      await sender.send({ topic: scene.orders.topic, partition: between(scene.random, 0, PARTITIONS - 1), messages })
    } finally {
      await sender.close()
    }
  },
}

export const FAULTS: readonly Fault[] = [
  FORGED,
  ...toService('a loader', aLoader, { killed: 4, stopped: 2, halted: 3 }),
  ...toService('the fetcher', theFetcher, { killed: 3, stopped: 1, halted: 2 }),
  ...NETWORK_FAULTS,
  {
    name: 'a third loader comes and goes',
    weight: 2,
    async make(scene) {
      const loader = scene.startLoader()
      await seconds(scene, 2, 6)
      await ends(loader)
    },
  },
  {
    name: 'ClickHouse and its network lie',
    weight: 4,
    async make(scene) {
      scene.mishap = () => (scene.random() < 0.6 ? oneOf(scene, LIES) : 'pass')
      await seconds(scene, 2, 8)
      scene.mishap = () => 'pass'
    },
  },
  {
    name: 'the network to ClickHouse is cut',
    weight: 2,
    async make(scene) {
      const cut = Promise.withResolvers<void>()
      scene.mishap = () => ({ hold: cut.promise })
      await seconds(scene, 2, 8)
      scene.mishap = () => 'pass'
      cut.resolve()
    },
  },
  {
    name: 'the offsets are set to the beginning',
    weight: 1,
    async make(scene) {
      const { kafka, names } = scene.place
      const offsets = new Map(Array.from({ length: PARTITIONS }, (_, p) => [p, 0]))
      await scene.unattended(async () => {
        for (const loader of scene.loaders) await ends(loader)
        scene.forgetOffsets()
        // A loader that was killed shortly before is a member until its session ends, and the group is not reset.
        await until('the offsets are reset', () =>
          kafka.resetOffsets(names.loaderGroup, scene.orders.topic, offsets).then(() => true),
        )
        scene.forgetOffsets()
        for (const loader of scene.loaders) scene.replace(loader)
      })
    },
  },
  byHand(
    'the table is renamed by hand, and back',
    'RENAME TABLE {table} TO {table}_away',
    'RENAME TABLE {table}_away TO {table}',
  ),
  byHand(
    'a column is renamed by hand, and back',
    'ALTER TABLE {table} RENAME COLUMN note TO remark',
    'ALTER TABLE {table} RENAME COLUMN remark TO note',
  ),
  killed('clickhouse'),
  killed('kafka'),
  killed('registry'),
  halted('clickhouse'),
  halted('kafka'),
]

const WEIGHTS = FAULTS.reduce((sum, { weight }) => sum + weight, 0)

export function drawFault(random: () => number): Fault {
  let drawn = random() * WEIGHTS
  for (const fault of FAULTS) {
    drawn -= fault.weight
    if (drawn < 0) return fault
  }
  return FAULTS[0] as Fault
}
