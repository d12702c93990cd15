/**
 * kill -9 of the fetcher at seeded moments of a first walk; the next one goes on from what is in the topic, and asks
 * for nothing that is there.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Running } from '../support/processes.ts'
import { between, randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'

const WALK = { regions: ['eu', 'us'], records: 300, badEvery: 13, paceMs: 10, tokenLifeMs: 60_000 }
/** Requests of the whole walk. */
const PAGES = 60
/** About as long as a transaction takes. */
const TRANSACTION_MS = 30

const TEST_MS_MAX = 120_000

const random = randomFrom(testSeed())

/** Kills at the moment, and resolves when the process is gone; the server goes on only then. */
type Kill = () => Promise<unknown>
type Moment = { name: string; arm(p: Pipeline, kill: Kill, draw: () => number): Promise<unknown> }

const somewhere = (draw: () => number) => between(draw, 2, PAGES - 20)

const MOMENTS: Moment[] = [
  { name: 'when it asks for its first page', arm: (p, kill) => p.api.at('asked', 1, async () => void (await kill())) },
  {
    name: 'when it asks for a page',
    arm: (p, kill, draw) => p.api.at('asked', somewhere(draw), async () => void (await kill())),
  },
  {
    name: 'in the middle of an answer',
    arm: (p, kill, draw) => p.api.at('half', somewhere(draw), async () => void (await kill())),
  },
  {
    name: 'right behind an answer',
    arm: (p, kill, draw) => p.api.at('answered', somewhere(draw), async () => void (await kill())),
  },
  {
    name: 'while it publishes',
    arm: (p, kill, draw) =>
      p.api.at('answered', somewhere(draw), async () => {
        await sleep(between(draw, 1, TRANSACTION_MS))
        await kill()
      }),
  },
  { name: 'when it asks for a token', arm: (p, kill) => p.api.at('token', 1, async () => void (await kill())) },
  {
    name: 'while another one joins',
    arm: async (p, kill, draw) => {
      // One partition waits for its page meanwhile, so that the walk is not over before the group tells of the other
      // one.
      let other: Running | undefined
      await p.api.at('asked', somewhere(draw), async () => {
        other = p.fetcher('--once')
        await until(
          'the other one asks to join',
          async () => (await p.kafka.members(p.names.fetcherGroup)).length === 2,
        )
        await kill()
      })
      await other?.exit
    },
  },
]

describe('after a kill -9 of the fetcher', { concurrency: 4 }, () => {
  for (const { name, arm } of MOMENTS) {
    const seed = Math.floor(random() * 2 ** 31)
    test(`${name}, the walk goes on: nothing is lost, nothing twice, no page asked for that is in the topic`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, WALK)
      const first = p.fetcher('--once')
      const kill = () => {
        first.kill('SIGKILL')
        return first.exit
      }
      await Promise.race([arm(p, kill, randomFrom(seed)), unlessEnded(first)])
      assert.equal((await first.exit).signal, 'SIGKILL')

      const ended = (await p.markers()).filter(({ last }) => last).map(({ partition }) => WALK.regions[partition])

      await p.fetchOnce()
      await p.loadAll()
      await p.assertComplete()
      await p.assertAskedOnce()
      const anew = p.api.visits.filter(({ region, since }) => since !== null && !ended.includes(region))
      assert.deepEqual(anew, [], 'a walk that was interrupted goes on at its cursor')
      await p.assertWatermarksHonest()
      const valid = p.api.valid().map(({ id }) => id)
      assert.deepEqual((await p.published()).sort(), valid.sort(), 'each record is in the topic once')
      assert.deepEqual((await p.rejected()).sort(), p.api.bad().sort(), 'each reject is in the dead-letter topic once')
    })
  }
})

/** A victim that ends by itself would leave the test waiting for its moment. */
async function unlessEnded(victim: Running): Promise<void> {
  const { signal } = await victim.exit
  if (signal !== 'SIGKILL') throw new Error(`it ended before the moment came:\n${victim.stderr()}`)
  await new Promise(() => undefined)
}
