/**
 * The arguments of `npm run bench`: which parts, and how large. Sizes are whole numbers. Only named parts are run;
 * without a name, all of them but the month, which takes an hour, and the peers, which are downloaded.
 */
import { parseArgs } from 'node:util'
import { WrongUse } from '#shared/errors.ts'

export const PARTS = [
  'loader',
  'fetcher',
  'delay',
  'memory',
  'standstill',
  'hostile',
  'files',
  'idle',
  'growth',
  'month',
  'peers',
] as const
export type Part = (typeof PARTS)[number]
const ONLY_NAMED: readonly Part[] = ['month', 'peers']
/** Those that run when none is named. */
export const USUAL_PARTS: readonly Part[] = PARTS.filter((part) => !ONLY_NAMED.includes(part))

const SIZES = {
  records: { byDefault: 1_000_000, what: 'records of one loader run and of one fetcher run' },
  repeat: { byDefault: 3, what: 'runs of each side in the fetcher and peers parts, and of the loader' },
  partitions: { byDefault: 1, what: 'partitions that the fetcher walks at once' },
  'delay-records': { byDefault: 60, what: 'records of the delay part' },
  'delay-seconds': { byDefault: 60, what: 'time in which they appear' },
  'delay-every': { byDefault: 1_000, what: 'milliseconds between the runs of the stream in it' },
  'delay-age': { byDefault: 1_000, what: 'LOADER_BATCH_AGE_MS in it' },
  'memory-records': { byDefault: 3_000_000, what: 'records of the memory part' },
  'file-megabytes': { byDefault: 2_048, what: 'size of each file of the files part' },
  'standstill-records': { byDefault: 2_000_000, what: 'records that wait in the standstill part' },
  'standstill-seconds': { byDefault: 60, what: 'how long ClickHouse stands still in it' },
  'idle-streams': { byDefault: 200, what: 'streams of the idle part, of five partitions each' },
  'idle-seconds': { byDefault: 60, what: 'how long it looks at each service' },
  'growth-streams': { byDefault: 40, what: 'streams of the growth part' },
  'growth-partitions': { byDefault: 50, what: 'partitions of each of them' },
  'growth-rows': { byDefault: 10_000_000, what: 'rows in one of its tables' },
  'month-days': { byDefault: 30, what: 'simulated days of the month part' },
  'month-day-seconds': { byDefault: 120, what: 'how long each of them takes' },
  'peers-records': { byDefault: 200_000, what: 'records of one run of the peers part' },
} as const
type Size = keyof typeof SIZES
const SIZE_MAX = 100_000_000

export type BenchOptions = {
  parts: readonly Part[]
  json: boolean
  help: boolean
  /** Folder for CPU profiles of the fetcher and the loader; null for none. */
  profile: string | null
} & Record<Size, number>

export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parsed(args)
  const sizes = Object.fromEntries(
    (Object.keys(SIZES) as Size[]).map((name) => [name, sizeOf(name, values[name])]),
  ) as Record<Size, number>
  const parts = positionals.length === 0 ? USUAL_PARTS : positionals.map(partOf)
  return { ...sizes, parts, json: values.json === true, help: values.help === true, profile: values.profile ?? null }
}

export function helpText(): string {
  const sizes = Object.entries(SIZES).map(
    ([name, { byDefault, what }]) => `  --${`${name} N`.padEnd(20)} ${what} (${byDefault})`,
  )
  return [
    `npm run bench -- [${PARTS.join(' | ')}]… [options]`,
    `  without a part: all but ${ONLY_NAMED.join(' and ')}`,
    '  peers installs what it compares with, from PyPI and as a Go module',
    ...sizes,
    `  --${'profile DIR'.padEnd(20)} write CPU profiles of the services there`,
    `  --${'json'.padEnd(20)} print the report as one JSON object on the last line`,
  ].join('\n')
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const sizes = Object.fromEntries(Object.keys(SIZES).map((name) => [name, text])) as Record<Size, typeof text>
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...sizes, profile: text, json: flag, help: flag },
    })
  } catch (error) {
    throw new WrongUse('HR_BENCH_OPTION', String(error instanceof Error ? error.message : error), { hint: helpText() })
  }
}

function sizeOf(name: Size, given: string | undefined): number {
  if (given === undefined) return SIZES[name].byDefault
  const value = Number(given)
  if (Number.isInteger(value) && value >= 1 && value <= SIZE_MAX) return value
  throw new WrongUse('HR_BENCH_OPTION', `--${name}: expected a whole number from 1 to ${SIZE_MAX}`, {
    hint: helpText(),
  })
}

function partOf(word: string): Part {
  const part = PARTS.find((known) => known === word)
  if (part !== undefined) return part
  throw new WrongUse('HR_BENCH_OPTION', `there is no part "${word}"`, { hint: helpText() })
}
