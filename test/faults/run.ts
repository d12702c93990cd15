/**
 * `npm run faults -- [--seed N] [--minutes M]`: random faults against loaders and a whole pipeline on a private stack,
 * for as long as is asked for. Prints the seed, each fault, the figures and the oracle's verdict; exit status 1 when
 * the oracle finds anything.
 */
import { parseArgs } from 'node:util'
import { messageOf } from '#shared/errors.ts'
import { closeAll } from '../support/published.ts'
import { runFaults } from './random/run.ts'

const MINUTE_MS = 60_000
const MINUTES_MAX = 24 * 60
const SEED_MAX = 2 ** 31 - 1

const closing: (() => void | Promise<void>)[] = []
const print = (line: string) => process.stdout.write(`${line}\n`)

function wholeNumber(name: string, text: string | undefined, byDefault: number, max: number): number {
  const value = text === undefined ? byDefault : Number(text)
  if (Number.isFinite(value) && value > 0 && value <= max) return value
  process.stderr.write(`faults: --${name} ${text} is no number above 0 and up to ${max}\n`)
  process.exit(2)
}

async function close(): Promise<void> {
  for (const each of closing.splice(0).reverse()) await each()
  await closeAll()
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string' } } })
const seed = Math.floor(wholeNumber('seed', values.seed, Math.floor(Math.random() * SEED_MAX) + 1, SEED_MAX))
const minutes = wholeNumber('minutes', values.minutes, 5, MINUTES_MAX)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void close().finally(() => process.exit(130)))
print(`seed ${seed}, ${minutes} minutes`)
try {
  const { faults, network, ...figures } = await runFaults(
    { after: (each) => void closing.push(each) },
    { seed, forMs: minutes * MINUTE_MS, say: print },
  )
  for (const [name, count] of Object.entries(faults).sort(([, a], [, b]) => b - a))
    print(`${String(count).padStart(5)}  ${name}`)
  print(`requests to Kafka: ${JSON.stringify(network)}`)
  print(JSON.stringify(figures))
  print('verdict: nothing lost, nothing twice, no watermark ahead')
} catch (error) {
  print(`verdict: WRONG, seed ${seed}: ${messageOf(error)}`)
  if (error instanceof Error && error.cause !== undefined) print(`because: ${messageOf(error.cause)}`)
  process.exitCode = 1
} finally {
  await close()
}
process.exit()
