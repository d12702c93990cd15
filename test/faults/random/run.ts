/** Faults one after the other for a time, from a seed; then rest, and the oracle's verdict. */
import { systemClock as clock } from '#shared/clock.ts'
import { type Closes, inReverse } from '../../support/processes.ts'
import { between, randomFrom } from '../../support/random.ts'
import { drawFault } from './faults.ts'
import { judge, type Verdict } from './oracle.ts'
import { openScene, type Scene, type Service } from './scene.ts'

export type Outcome = Verdict &
  Scene['figures'] & { seed: number; faults: Record<string, number>; network: Record<string, number> }

const WARM_UP_MS = 3_000
const PAUSE_MS_MAX = 3_000
const LAST_WORDS = 20
const LAST_CHARS = 500

/** Throws what the oracle finds. The same seed draws the same faults; what they meet depends on the machine. */
export async function runFaults(
  closes: Closes,
  options: { seed: number; forMs: number; say(line: string): void },
): Promise<Outcome> {
  const random = randomFrom(options.seed)
  const scene = await openScene(inReverse(closes), random)
  const faults: Record<string, number> = {}
  await clock.sleep(WARM_UP_MS)
  const startMs = clock.elapsedMs()
  // Drawn apart from what the scene draws: the moments of the machine must not change which faults come.
  const draw = randomFrom(options.seed + 1)
  while (clock.elapsedMs() - startMs < options.forMs) {
    const fault = drawFault(draw)
    options.say(`${((clock.elapsedMs() - startMs) / 1000).toFixed(1).padStart(6)} s  ${fault.name}`)
    await fault.make(scene)
    faults[fault.name] = (faults[fault.name] ?? 0) + 1
    await clock.sleep(between(draw, 0, PAUSE_MS_MAX))
  }
  options.say('at rest')
  await scene.quiet()
  const verdict = await judge(scene).catch(async (error) => {
    for (const service of [...scene.loaders, scene.fetcher]) options.say(lastWordsOf(service))
    options.say(await scene.walk.state())
    throw error
  })
  for (const service of [...scene.loaders, scene.fetcher]) {
    if (service.ended() !== null) throw new Error(`${service.name} ended by itself: ${service.stderr().slice(-1000)}`)
    await service.stop()
  }
  await scene.walk.judge()
  return { seed: options.seed, faults, network: met(scene), ...scene.figures, ...verdict }
}

function lastWordsOf({ name, ended, lines, stderr }: Service): string {
  const last = lines()
    .filter(({ msg }) => msg !== 'progress')
    .slice(-LAST_WORDS)
    .map(({ time, level, msg }) => `  ${time} ${level} ${msg}`)
  const end = ended()
  return [`${name}: ${JSON.stringify(end)}`, ...last, ...(end === null ? [] : [stderr().slice(-LAST_CHARS)])].join('\n')
}

/** How often which request to Kafka met what. */
function met({ network }: Scene): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { api, mishap } of network.mishaps) {
    const name = typeof mishap === 'string' ? mishap : 'hold' in mishap ? 'hold' : 'slow'
    counts[`${name} ${api}`] = (counts[`${name} ${api}`] ?? 0) + 1
  }
  return counts
}
