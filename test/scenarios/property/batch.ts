/**
 * Runs the cases of a batch together: their APIs in this process, one fetcher for all of them in another, which is
 * killed where the first case says, started again, stopped, and run once more when the APIs have come to rest. Then
 * each case is judged by what the topic holds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { connectKafka, type Kafka, type RawMessage } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { MARKER_HEADER, parseDeadLetterHeaders, parseMarker } from '#shared/messages/frame.ts'
import { namesFor } from '#shared/names.ts'
import { testStack, uniquePrefix } from '../../support/stack.ts'
import { INITIAL_SPAN_MS } from './api.ts'
import { type Backfill, rangeFrom, runsIn } from './backfill.ts'
import type { Case } from './case.ts'
import type { ChildOrder, ChildWord } from './child.ts'
import { STREAM, TOKEN_ENV } from './declare.ts'
import { drawnCase } from './draw-capabilities.ts'
import type { Held } from './held.ts'
import { judge } from './judge.ts'
import { regionsOf, type Seen, startBatchServer } from './server.ts'

export type Verdict = {
  seed: number
  problems: string[]
  /** Requests to its first partition between the kills, for a repetition. */
  killedAt: number[]
  published: number
  markers: number
  requests: number
  /** What the seed has drawn. */
  description: string
}

const ROOT = join(import.meta.dirname, '..', '..', '..')
const SESSION_TIMEOUT_MS = 6_000
/** A wall clock's first records lie so far before the batch that a clock that is behind has come past them. */
const BEFORE_MS = INITIAL_SPAN_MS + 10_000
const KILL_WAIT_MAX_MS = 20_000
/** How long the fetcher runs undisturbed after the last kill; the APIs change meanwhile. */
const UNDISTURBED_MS = 3_000
const END_WAIT_MAX_MS = 120_000
/** So few that what was published is forgotten all the time. */
const SMALL_MEMORY_KEYS = 64
const LOG_LINES_MAX = 4_000
/** The first one is beside the regular runs, the others have nothing that fails. */
const BACKFILL_ATTEMPTS_MAX = 3

export type BatchOptions = {
  seeds: readonly number[]
  kills?: readonly { request: number; afterMs: number | null }[] | undefined
  smallMemory: boolean
  /** Those of the cases that draw one. */
  backfills: boolean
  /** The fetchers before the last have clocks that are behind, as the lead case draws them. */
  stepsClock: boolean
  /** Cases that draw from the capabilities of a declaration too. */
  capabilities: boolean
}

export async function runBatch(options: BatchOptions): Promise<Verdict[]> {
  const { seeds, kills, smallMemory, backfills, stepsClock, capabilities } = options
  const stack = await testStack()
  const prefix = uniquePrefix()
  const memory: Record<string, string> = smallMemory ? { FETCHER_MEMORY_KEYS: String(SMALL_MEMORY_KEYS) } : {}
  const env = stack.env({
    HEADRACE_PREFIX: prefix,
    KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
    ...TOKEN_ENV,
    ...memory,
  })
  const cases = seeds.map((seed) => drawnCase(seed, capabilities))
  const baseMs = Math.floor(Date.now() / 1000) * 1000 - BEFORE_MS
  let watching: (seen: Seen) => void = () => undefined
  const kafka = await connectKafka(readConfig(env).kafka, { log: silentLog, clock: systemClock })
  const server = await startBatchServer(cases, baseMs, (seen) => watching(seen))
  const children = new Set<ChildProcess>()
  const place = { url: server.url, baseMs }
  const start = (once: boolean, behindMs = 0) =>
    startChild({ seeds: [...seeds], capabilities, place, once, behindMs }, env, children)
  const behind = stepsClock ? (cases[0]?.fetcherBehindMs ?? []) : []
  const killedAt = new Map<number, number[]>(seeds.map((seed) => [seed, []]))
  try {
    const lead = cases[0]
    for (const [number, kill] of (kills ?? lead?.kills ?? []).entries()) {
      const child = start(false, number === 0 ? 0 : behind[0])
      const base = server.apis.get(lead?.seed ?? 0)?.[0]?.requests() ?? 0
      const moment = new Promise<void>((reached) => {
        watching = ({ seed, partition, request, moment }) => {
          if (seed !== lead?.seed || partition !== 0 || request < base + kill.request) return
          if (kill.afterMs === null) reached()
          else if (moment === 'answered') void sleep(kill.afterMs).then(reached)
        }
      })
      await Promise.race([moment, child.exit, patience(KILL_WAIT_MAX_MS)])
      child.process.kill('SIGKILL')
      await child.exit
      for (const each of cases) killedAt.get(each.seed)?.push(server.apis.get(each.seed)?.[0]?.requests() ?? 0)
    }
    watching = () => undefined
    const undisturbed = start(false, behind[1])
    await undisturbed.busy
    const filled = cases.filter((each) => backfills && each.backfill).map(({ seed }) => seed)
    const backfill = {
      range: rangeFrom(baseMs),
      runs: new Set<string>(),
      startedMs: Date.now(),
      endedMs: 0,
      isDone: filled.length === 0,
    }
    const fill = async () => {
      if (backfill.isDone) return
      const child = startChild(
        { seeds: filled, capabilities, place, once: true, behindMs: 0, range: backfill.range },
        env,
        children,
      )
      const { word, runs } = await ended(child)
      for (const run of runs) backfill.runs.add(run)
      backfill.endedMs = Date.now()
      backfill.isDone = word !== null && Object.values(word.outcomes).every(({ outcome }) => outcome === 'done')
    }
    await Promise.race([undisturbed.exit, Promise.all([patience(UNDISTURBED_MS), fill()])])
    undisturbed.process.kill('SIGTERM')
    await undisturbed.exit
    server.calm()
    // What the API's failures kept from its end beside the regular runs goes on where it was.
    for (let attempt = 1; attempt < BACKFILL_ATTEMPTS_MAX; attempt++) await fill()
    // The first one may only end a run that was interrupted; the second sees everything.
    const ending = await runOnce(start)
    const last = ending.word === null ? ending : await runOnce(start)
    const { word } = last
    const log = [...undisturbed.log(), ...ending.log, ...last.log]

    const verdicts: Verdict[] = []
    for (const each of cases)
      verdicts.push(
        await judgeCase(each, {
          kafka,
          prefix,
          word,
          log,
          smallMemory,
          killedAt,
          server,
          backfill,
          hasBackfill: filled.includes(each.seed),
          behindMs: Math.max(0, ...behind),
        }),
      )
    return verdicts
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await server.close()
    await removeTopics(kafka, prefix, cases).finally(() => kafka.close())
  }
}

async function runOnce(start: (once: boolean) => Child): Promise<{ word: ChildWord | null; log: string[] }> {
  return ended(start(true))
}

async function ended(child: Child): Promise<{ word: ChildWord | null; log: string[]; runs: string[] }> {
  await Promise.race([child.exit, patience(END_WAIT_MAX_MS)])
  child.process.kill('SIGKILL')
  await child.exit
  return { word: child.word(), log: child.log(), runs: runsIn(child.starts) }
}

/** Keeps no process alive. */
const patience = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false })

type JudgeTools = {
  kafka: Kafka
  prefix: string
  word: ChildWord | null
  log: readonly string[]
  smallMemory: boolean
  killedAt: ReadonlyMap<number, number[]>
  server: Awaited<ReturnType<typeof startBatchServer>>
  backfill: Backfill & { isDone: boolean }
  hasBackfill: boolean
  /** At most, of a fetcher. */
  behindMs: number
}

async function judgeCase(each: Case, tools: JudgeTools): Promise<Verdict> {
  const { kafka, prefix, word, log, smallMemory, killedAt, server, backfill, hasBackfill, behindMs } = tools
  const verdict: Verdict = {
    seed: each.seed,
    problems: [],
    killedAt: differences(killedAt.get(each.seed) ?? []),
    published: 0,
    markers: 0,
    requests: 0,
    description: JSON.stringify(each),
  }
  for (const [partition, region] of regionsOf(each).entries()) {
    const outcome = word?.outcomes[`s${each.seed}.${STREAM}/${partition}`]
    if (outcome?.outcome !== 'done')
      verdict.problems.push(
        `${region}: the last run is ${outcome?.outcome ?? 'missing'}: ${outcome?.error ?? log.at(-1)}`,
      )
    const api = server.apis.get(each.seed)?.[partition]
    const held = await heldIn(kafka, topicOf(prefix, each), partition)
    verdict.published += held.entries.filter(({ record }) => record !== null).length
    verdict.markers += held.entries.filter(({ marker }) => marker !== null).length
    verdict.requests += api?.requests() ?? 0
    verdict.problems.push(
      ...judge(each, api?.versions() ?? [], held, smallMemory, {
        backfill: hasBackfill ? backfill : null,
        behindMs,
      }).map((problem) => `${region}: ${problem}`),
    )
  }
  if (hasBackfill && !backfill.isDone) verdict.problems.push('a backfill of the batch did not come to its end')
  if (verdict.problems.length > 0) {
    const own = log.filter((line) => line.includes(`"s${each.seed}.${STREAM}"`) && !line.includes('"level":"info"'))
    verdict.problems.push(...own.slice(-5).map((line) => `log: ${line.slice(0, 600)}`))
  }
  return verdict
}

const differences = (numbers: readonly number[]): number[] =>
  numbers.map((number, index) => number - (numbers[index - 1] ?? 0))

const topicOf = (prefix: string, each: Case): string =>
  namesFor(prefix).records({ source: `s${each.seed}`, stream: STREAM })

async function heldIn(kafka: Kafka, topic: string, partition: number): Promise<Held> {
  const letters = await read(kafka, namesFor('').deadLetters(topic), partition)
  return {
    entries: (await read(kafka, topic, partition)).map(({ offset, key, value, headers, timestamp }) => ({
      atMs: Number(timestamp),
      offset: Number(offset),
      key: key?.toString() ?? null,
      record: value === null ? null : JSON.parse(value.subarray(5).toString()),
      marker: parseMarker(headers?.[MARKER_HEADER]?.toString()),
    })),
    deadLetters: letters.map(({ value, headers }) => {
      const texts = Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, header]) => [name, header?.toString()]),
      )
      const { run, page } = parseDeadLetterHeaders(texts)
      return { raw: value?.toString() ?? '', run, page }
    }),
  }
}

async function read(kafka: Kafka, topic: string, partition: number): Promise<RawMessage[]> {
  const range = (await kafka.logRanges(topic))[partition] ?? { low: 0, high: 0 }
  const messages: RawMessage[] = []
  for await (const message of kafka.readPartition(topic, partition, range.low, range.high)) messages.push(message)
  return messages
}

async function removeTopics(kafka: Kafka, prefix: string, cases: readonly Case[]): Promise<void> {
  for (const each of cases) {
    const topic = topicOf(prefix, each)
    await Promise.allSettled([kafka.deleteTopic(topic), kafka.deleteTopic(namesFor(prefix).deadLetters(topic))])
  }
}

type Child = {
  process: ChildProcess
  exit: Promise<void>
  busy: Promise<unknown>
  word(): ChildWord | null
  log(): string[]
  starts: readonly string[]
}

function startChild(order: ChildOrder, env: Record<string, string>, children: Set<ChildProcess>): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), JSON.stringify(order)], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  let stdout = ''
  let rest = ''
  const lines: string[] = []
  const starts: string[] = []
  const busy = Promise.withResolvers<void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    starts.push(...parts.filter((line) => line.includes('run starts')))
    lines.splice(0, Math.max(0, lines.length - LOG_LINES_MAX))
    if (text.includes('partitions assigned')) busy.resolve()
  })
  const exit = new Promise<void>((done) =>
    child.once('close', () => {
      children.delete(child)
      done()
    }),
  )
  return {
    process: child,
    exit,
    busy: Promise.race([busy.promise, exit]),
    word: () => (stdout.trim().startsWith('{') ? (JSON.parse(stdout) as ChildWord) : null),
    log: () => [...lines, rest],
    starts,
  }
}
