/**
 * `npm run bench`: speed, delay and memory of the services on this machine, with real servers on a private stack that
 * is gone afterwards. Parts: loader, fetcher, delay, memory, standstill, hostile, files, idle, growth, month, peers.
 * The last two run only by their names. Prints a report; with --json one object on the last line. Asserts nothing.
 */
import { exitStatusOf, explain } from '#shared/errors.ts'
import { delayPart } from './delay-part.ts'
import { fetcherPart } from './fetcher-part.ts'
import { filesPart } from './files-part.ts'
import { growthPart } from './growth-part.ts'
import { hostilePart } from './hostile-part.ts'
import { idlePart } from './idle-part.ts'
import { loaderPart } from './loader-part.ts'
import { loadNow, machineOf } from './machine.ts'
import { memoryPart } from './memory-part.ts'
import { monthPart } from './month-part.ts'
import { listen } from './noise.ts'
import { benchOptions, helpText, PARTS } from './options.ts'
import { peersPart } from './peers-part.ts'
import { type Bench, openBench } from './place.ts'
import { type Report, reportText } from './report.ts'
import { standstillPart } from './standstill-part.ts'

const MEASURE = {
  loader: loaderPart,
  fetcher: fetcherPart,
  delay: delayPart,
  memory: memoryPart,
  standstill: standstillPart,
  hostile: hostilePart,
  files: filesPart,
  idle: idlePart,
  growth: growthPart,
  month: monthPart,
  peers: peersPart,
} as const
const INTERRUPTED = 130

async function main(): Promise<void> {
  const options = benchOptions(process.argv.slice(2))
  if (options.help) return print(helpText())
  const say = (line: string) => process.stderr.write(`${line}\n`)
  say('starting a private stack')
  const bench = await openBench(options, say)
  const close = once(() => closeBench(bench))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void close().finally(() => process.exit(INTERRUPTED)))
  try {
    const report: Report = { machine: await machineOf(bench), parts: {}, noise: {} }
    for (const part of PARTS.filter((each) => options.parts.includes(each))) {
      say(`${part} (load ${loadNow()[0]})`)
      const noise = listen(bench)
      Object.assign(report.parts, { [part]: await MEASURE[part](bench) })
      report.noise[part] = noise()
    }
    print(reportText(report))
    if (options.json) print(JSON.stringify(report))
  } finally {
    await close()
  }
}

async function closeBench({ clickhouse, stack }: Bench): Promise<void> {
  await clickhouse.close()
  await stack.remove()
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = exitStatusOf(error)
}
