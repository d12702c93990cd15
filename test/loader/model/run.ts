/**
 * One interleaving: loaders work, are killed, stopped and expelled, answers come in any order, and in the end
 * everything is there.
 */
import assert from 'node:assert/strict'
import { type Config, readConfig } from '#shared/config/config.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { namesFor } from '#shared/names.ts'
import type { Assigned } from '../../../services/loader/consume/assignment.ts'
import type { Membership } from '../../../services/loader/consume/group-member.ts'
import { connectStages } from '../../../services/loader/pipeline.ts'
import { randomFrom } from '../../support/random.ts'
import { createGroup, type Group } from './group.ts'
import { cover, isResolved, publishPage, truncate } from './log.ts'
import { catalogOf, schedulerOf, tablesOf, writerOf } from './servers.ts'
import { clockOf, createWorld, endOperation, kill, type Life, passTime, places, TOPICS, type World } from './world.ts'

const HOSTILE_STEPS = 120
const CALM_STEPS_MAX = 3_000
const PAGES_MAX = 30

const metrics = createMetrics()
const base = readConfig(
  { KAFKA_BROKERS: 'model:1', CLICKHOUSE_URL: 'http://model', SCHEMA_REGISTRY_URL: 'http://model' },
  ['kafka'],
)
const config: Config = {
  ...base,
  loader: { ...base.loader, batchRows: 12, batchBytes: 4_000, batchAgeMs: 1_000, inFlightBytes: 9_000 },
}

type Loader = { life: Life; membership: Membership }

/** Throws at the first commit that passes an unresolved record, and when something is missing in the end. */
export async function runInterleaving(seed: number): Promise<World> {
  const random = randomFrom(seed)
  const world = createWorld(random)
  const group = createGroup(world)
  let loaders = [start(world, group), start(world, group)]
  let pages = 0

  const anyPlace = () => places()[Math.floor(random() * places().length)] as string
  const deeds: [weight: number, deed: () => unknown][] = [
    [45, () => endOperation(world)],
    [25, () => group.fetch()],
    [15, () => passTime(world)],
    [10, () => pages < PAGES_MAX && publishPage(world, anyPlace(), ++pages)],
    [0.7, () => truncate(world, anyPlace())],
    [1, () => pages < PAGES_MAX && cover(world, anyPlace(), ++pages)],
    [8, () => group.complete(random() < 0.7)],
    [2, () => group.begin()],
    [1, () => group.expel()],
    [2, () => replaceOne((loader) => end(loader, group))],
    [1, () => replaceOne(({ membership }) => void membership.leave(1_000))],
  ]
  const total = deeds.reduce((sum, [weight]) => sum + weight, 0)

  function replaceOne(how: (loader: Loader) => void): void {
    const [gone, ...others] = random() < 0.5 ? loaders : [...loaders].reverse()
    if (gone !== undefined) how(gone)
    loaders = [...others, start(world, group)]
  }

  for (let step = 0; step < HOSTILE_STEPS; step++) {
    let drawn = random() * total
    for (const [weight, deed] of deeds) {
      drawn -= weight
      if (drawn >= 0) continue
      deed()
      break
    }
    await settled(world)
  }
  world.hostile = false
  const isDone = () => group.isDone() && places().every((place) => !cover(world, place, ++pages))
  for (let step = 0; !isDone(); step++) {
    assert.ok(step < CALM_STEPS_MAX, `nothing moves any more: ${world.operations.map(({ what }) => what)}`)
    // Also a rebalance that nobody waits for must come to its end, and whoever was expelled must be told.
    if (step % 100 === 99) group.begin()
    group.complete(step % 50 < 40)
    if (!endOperation(world) && !group.fetch()) passTime(world)
    await settled(world)
  }
  for (const [place, log] of world.logs)
    for (const entry of log) assert.ok(isResolved(world, place, entry), `${place}/${entry.message.offset} is missing`)
  for (const loader of loaders) end(loader, group)
  return world
}

function start(world: World, group: Group): Loader {
  const life: Life = { world, alive: true }
  const onFailure = (error: unknown) => world.failures.push(error)
  const options = {
    config,
    kafka: group.kafka(life),
    names: namesFor('model'),
    clock: clockOf(life),
    log: silentLog,
    metrics,
  }
  const told = { onAssigned: (_: Assigned) => undefined, onCommitted: () => undefined, onFailure }
  const outer = {
    writer: writerOf(life),
    tables: tablesOf(life),
    catalog: catalogOf(life),
    scheduler: schedulerOf(life),
  }
  const membership = connectStages({ ...options, ...told, membership: {} }, outer)
  membership.join([...TOPICS], new AbortController().signal).catch(onFailure)
  return { life, membership }
}

function end({ life }: Loader, group: Group): void {
  kill(life)
  group.remove(life)
}

/** Everything that can go on without an answer has gone on. */
async function settled({ failures }: World): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  if (failures.length > 0) throw failures[0]
}
