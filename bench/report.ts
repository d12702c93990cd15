/** The report for a person: what was measured, on what, and beside it what it is to be compared with. */
import type { DelayReport } from './delay-part.ts'
import type { FetcherReport, Side, Sides } from './fetcher-part.ts'
import type { FilesReport } from './files-part.ts'
import type { GrowthReport } from './growth-part.ts'
import { growthLines } from './growth-report.ts'
import type { HostileReport } from './hostile-part.ts'
import type { IdleReport, IdleService } from './idle-part.ts'
import type { LoaderReport } from './loader-part.ts'
import type { PeerReport } from './loader-peers.ts'
import type { Machine } from './machine.ts'
import type { MemoryReport } from './memory-part.ts'
import { monthLines } from './month/report.ts'
import type { MonthReport } from './month-part.ts'
import type { Noise } from './noise.ts'
import { rounded, whole } from './numbers.ts'
import type { Part } from './options.ts'
import type { WholeWayReport } from './peers-part.ts'
import type { StandstillReport } from './standstill-part.ts'
import { FLAT_SHARE, type Memory } from './usage.ts'

export type Report = {
  machine: Machine
  parts: {
    loader?: LoaderReport
    fetcher?: FetcherReport
    delay?: DelayReport
    memory?: MemoryReport
    standstill?: StandstillReport
    hostile?: HostileReport
    files?: FilesReport
    idle?: IdleReport
    growth?: GrowthReport
    month?: MonthReport
    peers?: WholeWayReport
  }
  noise: Partial<Record<Part, Noise | null>>
}

const NO_PROC = 'not known (it is read from /proc, which only Linux has)'
const PERCENT = 100

export function reportText({ machine, parts, noise }: Report): string {
  const { loader, fetcher, delay, memory, standstill, hostile, files, idle, growth, month, peers } = parts
  return [
    ...machineLines(machine),
    ...(loader === undefined ? [] : loaderLines(loader)),
    ...(fetcher === undefined ? [] : fetcherLines(fetcher)),
    ...(delay === undefined ? [] : delayLines(delay)),
    ...(memory === undefined ? [] : wholeWayLines(memory)),
    ...(standstill === undefined ? [] : standstillLines(standstill)),
    ...(hostile === undefined ? [] : hostileLines(hostile)),
    ...(files === undefined ? [] : fileLines(files)),
    ...(idle === undefined ? [] : idleLines(idle)),
    ...(growth === undefined ? [] : growthLines(growth)),
    ...(month === undefined ? [] : monthLines(month)),
    ...(peers === undefined ? [] : comparedLines(peers)),
    ...noiseLines(noise),
  ].join('\n')
}

function noiseLines(noise: Report['noise']): string[] {
  const texts = Object.entries(noise).map(
    ([part, each]) => `${part} ${each === null ? NO_PROC : `${each.others} (stolen ${each.stolen})`}`,
  )
  return ['', `Noise      cores that other processes used meanwhile, and the hypervisor took: ${texts.join(', ')}`]
}

function machineLines({ date, cpu, cores, memoryGb, platform, load, versions }: Machine): string[] {
  return [
    '',
    `Machine    ${cores} cores ${cpu}, ${memoryGb} GB, ${platform}; ${date}; load before: ${load.join(' ')}`,
    `Versions   ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    'Everything, servers included, shares these cores.',
  ]
}

function loaderLines(report: LoaderReport): string[] {
  const {
    records,
    bytesPerRecord,
    partitions,
    cpuSecondsPerMillion,
    cpuSecondsToStart,
    clickhouseCpuSecondsPerMillion,
  } = report
  const cpu =
    cpuSecondsPerMillion === null
      ? NO_PROC
      : `${cpuSecondsPerMillion} (aim: at most 5); ${cpuSecondsToStart} of it for an idle process`
  const { recordsPerSecond, recordsPerSecondNet } = report
  const speed = `${whole(recordsPerSecond)}, start and end included; ${whole(recordsPerSecondNet)} without`
  const size = `${whole(records)} records of ${bytesPerRecord} bytes, ${partitions} partitions`
  return [
    '',
    `Loader     ${size}, median of ${report.runs.length}`,
    `  records/s                  ${speed}   (runs: ${runsText(report.runs)})`,
    `  CPU-s per million          ${cpu}`,
    `  ClickHouse beside it       ${clickhouseCpuSecondsPerMillion ?? NO_PROC} CPU-s per million`,
    `  memory                     ${memoryText(report.memory)}`,
    '  beside it, in turn on the same records (none of them keeps a promise):',
    ...Object.entries(report.peers).map(([name, peer]) => peerLine(name, peer)),
  ]
}

function peerLine(
  name: string,
  { recordsPerSecond, cpuSecondsPerMillion, clickhouseCpuSecondsPerMillion, peakMb, runs }: PeerReport,
): string {
  const cpu = [
    ...(cpuSecondsPerMillion === null ? [] : [`${cpuSecondsPerMillion} CPU-s per million`]),
    `ClickHouse ${clickhouseCpuSecondsPerMillion ?? NO_PROC}`,
  ]
  const memory = peakMb === null ? '' : `, ${peakMb} MB at most`
  const speed = `${whole(recordsPerSecond)} rows/s`
  return `  ${name.padEnd(26)} ${speed}, ${cpu.join(', ')}${memory}   (runs: ${runsText(runs)})`
}

function fetcherLines({ records, partitions, plain, realistic, realisticToPlain, memory }: FetcherReport): string[] {
  const side = (name: string, { recordsPerSecond, cpuSecondsPerMillion, runs }: Side) => {
    const speed = `${whole(recordsPerSecond)} records/s, ${cpuSecondsPerMillion} CPU-s per million`
    return `  ${name.padEnd(26)} ${speed}   (runs: ${runsText(runs)})`
  }
  const sides = (set: string, { bare, fetcher, ratio, cpuRatio }: Sides, aim: string) => [
    side(`${set}, bare loop`, bare),
    side(`${set}, fetcher`, fetcher),
    `  ${`${set}, ratio`.padEnd(26)} ${ratio} by time, ${cpuRatio} by CPU${aim}`,
  ]
  const size = `${whole(records)} records a set, pages of 1,000, ${partitions} partition(s)`
  return [
    '',
    `Fetcher    ${size}, all sides in turn, medians of ${plain.bare.runs.length}; a bare loop is undici + JSON.parse`,
    ...sides('plain', plain, ' (aim: at least 0.5)'),
    ...sides('realistic', realistic, ''),
    `  realistic to plain         ${realisticToPlain} by the fetcher's CPU (aim: at most 1.5)`,
    `  memory                     ${memoryText(memory)}`,
  ]
}

function delayLines({ records, medianMs, p99Ms, maxMs, inserts, insertsPerSecond, settings }: DelayReport): string[] {
  const { everyMs, batchAgeMs, lookEveryMs } = settings
  const given = `stream every ${everyMs} ms, LOADER_BATCH_AGE_MS ${batchAgeMs}, looked at every ${lookEveryMs} ms`
  return [
    '',
    `Delay      from the API to a visible row, ${records} records; ${given}`,
    `  median ${whole(medianMs)} ms, p99 ${whole(p99Ms)} ms, longest ${whole(maxMs)} ms`,
    `  ${inserts} inserts, ${insertsPerSecond} a second`,
  ]
}

function wholeWayLines({ records, seconds, recordsPerSecond, fetcher, loader }: MemoryReport): string[] {
  const speed = `${seconds} s (${whole(recordsPerSecond)} records/s)`
  return [
    '',
    `Memory     both services at once, ${whole(records)} records from the API to confirmed rows in ${speed}`,
    `  fetcher                    ${memoryText(fetcher)}`,
    `  loader                     ${memoryText(loader)}`,
  ]
}

function standstillLines(report: StandstillReport): string[] {
  const {
    records,
    bytesPerRecord,
    partitions,
    seconds,
    stoodStillSeconds,
    rowsBefore,
    rows,
    deadLetters,
    lag,
    memory,
  } = report
  const whether = rows === records && deadLetters === 0 && lag === 0 ? 'all there, once' : 'NOT ALL THERE'
  const backlog = `${whole(records)} records of ${bytesPerRecord} bytes wait in ${partitions} partitions`
  const counts = `${whole(rows)} rows under FINAL, ${deadLetters} dead letters, ${lag} records behind`
  return [
    '',
    `Standstill ${backlog}; ClickHouse stood still for ${stoodStillSeconds} s after ${whole(rowsBefore)} rows`,
    `  at the end                 ${counts}: ${whether}, after ${seconds} s`,
    `  loader's memory            ${memory === null ? NO_PROC : `resident ${memory.maxMb} MB at most`}`,
  ]
}

function hostileLines(report: HostileReport): string[] {
  return [
    '',
    'Hostile    one page that is too much, beside a stream that is due every second',
    ...Object.entries(report).map(([name, { outcome, seconds, livezMaxMs, steadyGapMaxMs, peakMb }]) => {
      const answers = `/livez within ${whole(livezMaxMs)} ms, the other stream within ${whole(steadyGapMaxMs)} ms`
      return `  ${name.padEnd(26)} ${outcome} after ${seconds} s; ${answers}, ${peakMb ?? '?'} MB at most`
    }),
  ]
}

function fileLines(report: FilesReport): string[] {
  return [
    '',
    'Files      one file that the fetcher reads in chunks',
    ...Object.entries(report).map(([format, { megabytes, records, seconds, memory }]) => {
      const speed = `${whole(megabytes)} MB, ${whole(records)} records in ${seconds} s`
      return `  ${format.padEnd(26)} ${speed}; ${memoryText(memory)}`
    }),
  ]
}

function idleLines({ streams, partitions, overSeconds, ...services }: IdleReport): string[] {
  const share = (cores: number | null) => (cores === null ? '?' : `${rounded(cores * PERCENT, 1)} %`)
  const line = (name: string, each: IdleService) => {
    const { firstStartSeconds, startSeconds, coreShare, kafkaShare, clickhouseShare, residentMb } = each
    const cores = `${share(coreShare)} of a core, Kafka ${share(kafkaShare)}, ClickHouse ${share(clickhouseShare)}`
    return `  ${name.padEnd(26)} ${cores}; ${residentMb ?? '?'} MB; ready after ${startSeconds} s (first ${firstStartSeconds} s)`
  }
  return [
    '',
    `Idle       ${streams} streams with ${partitions} partitions in one process each, over ${overSeconds} s`,
    line('fetcher', services.fetcher),
    line('loader', services.loader),
  ]
}

function comparedLines({ records, repeat, sides }: WholeWayReport): string[] {
  const or = (value: number | null) => value ?? '?'
  return [
    '',
    `Peers      ${whole(records)} realistic records from the API to readable rows, in turn, medians of ${repeat}`,
    ...Object.entries(sides).flatMap(([name, side]) => {
      if ('notCompared' in side) return [`  ${name}`, `    not compared: ${side.notCompared}`]
      const { seconds, rowSeconds, ownCpuSeconds, clickhouseCpuSeconds, besideCpuSeconds, peakMb, runs, ratio } = side
      const beside = besideCpuSeconds === 0 ? '' : `, Kafka and registry ${or(besideCpuSeconds)}`
      const times =
        ratio === null ? [] : [`${ratio.time} by time, ${or(ratio.ownCpu)} by its own CPU, ${or(ratio.allCpu)} by all`]
      return [
        `  ${name}`,
        `    ${seconds} s, ${rowSeconds} s from the first row to the last   (runs: ${runs.join(' ')})`,
        `    CPU-s: its own ${or(ownCpuSeconds)}, ClickHouse ${or(clickhouseCpuSeconds)}${beside}; ${or(peakMb)} MB at most`,
        ...times.map((text) => `    times Headrace's: ${text} (aim for dlt: at least 5)`),
      ]
    }),
  ]
}

function memoryText(memory: Memory | null): string {
  if (memory === null) return NO_PROC
  const { startMb, endMb, maxMb, slopeMbPerMinute, flat } = memory
  const growth = `second half ${slopeMbPerMinute} MB a minute`
  const verdict = flat ? 'flat' : `not flat (the second half adds more than ${FLAT_SHARE * PERCENT} %)`
  return `resident ${startMb} MB at the start, ${endMb} at the end, ${maxMb} at most; ${growth}: ${verdict}`
}

const runsText = (runs: readonly number[]): string => runs.map(whole).join(' ')
