/**
 * A month in an hour: days of an API that fails in turn, of schemas that drift, of deploys and rebalances. Of two
 * fetchers and two loaders, one each lives for all of it. What these hold is measured each day when the API is well.
 * At the end the tables are compared with the API.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'
import { closeAll, ownPlace, type Place } from '../test/support/published.ts'
import { loadNow } from './machine.ts'
import { type MonthApi, STREAMS, startMonthApi } from './month/api.ts'
import { changeOf, type Growth, growthOf } from './month/growth.ts'
import { type Held, measureOf } from './month/measure.ts'
import { monthDay, SERVICES, type Service, stepsOf } from './month/plan.ts'
import { isLoaded, lookAtWatermarks, type Promises, promisesOf } from './month/promises.ts'
import { type Services, startServices } from './month/services.ts'
import { type Sizes, sizesOf } from './month/sizes.ts'
import { rounded } from './numbers.ts'
import type { Bench } from './place.ts'

export type ServiceMonth = {
  heap: Growth | null
  external: Growth | null
  handles: Growth | null
  sockets: Growth | null
  descriptors: Growth | null
  series: readonly Held[]
}
export type MonthReport = {
  days: number
  daySeconds: number
  streams: number
  warmUpDays: number
  requests: number
  given: Record<string, number>
  deploys: number
  joins: number
  badExits: readonly string[]
  /** Deploys and joins whose process was not in its group within the bound. */
  lateMembers: number
  /** The most members that each group had at once. */
  membersMax: Record<Service, number>
  /** From the end of the last day until everything was loaded; null when it was not within the bound. */
  drainSeconds: number | null
  fetcher: ServiceMonth
  loader: ServiceMonth
  promises: Promises
  sizes: readonly Sizes[]
  load: readonly number[]
  /** Lines of errors in the logs of the services, by message. */
  errors: Record<string, number>
}

const WARM_UP_DAYS = 3
/** As often as an hourly stream. */
const RUNS_A_DAY = 24
/** Less than the keys of the month, so that it is full soon. */
const MEMORY_KEYS = '300'
const SHOWN_CHARS = 200
const DRAIN_WITHIN_MS = 180_000
const LOOK_EVERY_MS = 500
/** Of each service; a third one joins. */
const USUAL_MEMBERS = 2
const MEMBER_WITHIN_MS = 30_000

type Month = {
  bench: Bench
  api: MonthApi
  place: Place
  services: Services
  held: Record<Service, Held[]>
  sizes: Sizes[]
  watermarks: { looks: number; ahead: number }
  membersMax: Record<Service, number>
  lateMembers: number
}

export async function monthPart(bench: Bench): Promise<MonthReport> {
  const { 'month-days': days, 'month-day-seconds': daySeconds } = bench.options
  const load = loadNow()
  const place = await ownPlace({ FETCHER_MEMORY_KEYS: MEMORY_KEYS, LOADER_TOPICS_REFRESH_MS: '5000' }, bench.stack)
  const api = await startMonthApi({ clock: systemClock, days, daySeconds })
  const env = {
    ...place.env,
    ...{ MONTH_ID: 'client', MONTH_SECRET: 's3cret', HEADRACE_LOG_FORMAT: 'json' },
    ...{ BENCH_API_URL: api.url, BENCH_MONTH_EVERY_MS: String(Math.ceil((daySeconds * SECOND_MS) / RUNS_A_DAY)) },
  }
  const services = startServices(env, bench.logDir)
  const month: Month = {
    ...{ bench, api, place, services, held: { fetcher: [], loader: [] }, sizes: [] },
    ...{ watermarks: { looks: 0, ahead: 0 }, membersMax: { fetcher: 0, loader: 0 }, lateMembers: 0 },
  }
  try {
    for (const service of SERVICES) await untilMembers(month, service, USUAL_MEMBERS)
    api.begin()
    for (let day = 0; day < days; day++) await liveOneDay(month, day, days)
    api.freeze()
    const drainSeconds = await drained(month)
    await lookOnce(month)
    await services.stop()
    const promises = await promisesOf(bench.clickhouse, place, api.streams, month.watermarks)
    return {
      ...{ days, daySeconds, streams: STREAMS, warmUpDays: WARM_UP_DAYS, requests: api.requests() },
      ...{ given: Object.fromEntries(api.given), ...services.figures, membersMax: month.membersMax },
      ...{ lateMembers: month.lateMembers, drainSeconds },
      ...{ fetcher: summaryOf(month.held.fetcher), loader: summaryOf(month.held.loader), promises },
      ...{ sizes: month.sizes, load: [...load, ...loadNow()], errors: errorsIn(bench.logDir) },
    }
  } finally {
    await services.stop()
    await api.close()
    await closeAll()
  }
}

/** Steps that come late, on a busy machine, are done at once. */
async function liveOneDay(month: Month, day: number, days: number): Promise<void> {
  const { api, bench, services } = month
  const { failing, newFields, changedTypes, joins } = monthDay(day)
  const types = changedTypes ? ', changed types' : ''
  bench.say(`  day ${day + 1} of ${days}: ${failing}, ${newFields} new fields${types}, a ${joins} joins`)
  api.fail(day)
  for (const { at, does, service } of stepsOf(monthDay(day))) {
    await untilDay(month, day + at)
    if (does === 'deploy' && service !== null) {
      await services.deploy(service)
      await untilMembers(month, service, USUAL_MEMBERS)
    } else if (does === 'join' && service !== null) {
      services.join(service)
      await untilMembers(month, service, USUAL_MEMBERS + 1)
    } else if (does === 'leave') {
      await lookOnce(month)
      await services.leave()
    } else if (does === 'heal') api.heal()
    else await measure(month, day + 1)
  }
  await untilDay(month, day + 1)
}

async function untilDay({ api, bench }: Month, day: number): Promise<void> {
  const waitMs = (day - api.day()) * bench.options['month-day-seconds'] * SECOND_MS
  if (waitMs > 0) await systemClock.sleep(waitMs)
}

async function lookOnce({ bench, place, api, watermarks }: Month): Promise<void> {
  const { looks, ahead } = await lookAtWatermarks(bench.clickhouse, place, api.streams)
  watermarks.looks += looks
  watermarks.ahead += ahead
}

/** A process that is not there within the bound is counted, and the month continues. */
async function untilMembers(month: Month, service: Service, count: number): Promise<void> {
  const { kafka, names } = month.place
  const group = service === 'fetcher' ? names.fetcherGroup : names.loaderGroup
  const endMs = systemClock.elapsedMs() + MEMBER_WITHIN_MS
  while (systemClock.elapsedMs() < endMs) {
    const members = (await kafka.members(group)).length
    month.membersMax[service] = Math.max(month.membersMax[service], members)
    if (members >= count) return
    await systemClock.sleep(LOOK_EVERY_MS)
  }
  month.lateMembers += 1
}

async function measure(month: Month, day: number): Promise<void> {
  const { bench, place, services, held, sizes } = month
  const { profile, 'month-days': days } = bench.options
  const isShot = profile !== null && (day === Math.min(WARM_UP_DAYS, days - 1) || day === days)
  if (isShot) mkdirSync(resolve(profile), { recursive: true })
  await Promise.all(
    SERVICES.map(async (service) => {
      const snapshot = isShot ? join(resolve(profile), `month-${service}-day-${day}.heapsnapshot`) : null
      held[service].push(await measureOf(services.longLived[service], day, snapshot))
    }),
  )
  sizes.push(await sizesOf(bench, place, day))
  const text = SERVICES.map((service) => {
    const last = held[service].at(-1)
    const { heapBytes = 0, handles = 0, sockets = 0, descriptors = null } = last ?? {}
    return `${service} ${rounded(heapBytes / 1e6, 2)} MB, ${handles} handles, ${sockets} sockets, ${descriptors} fds`
  })
  bench.say(`    ${text.join('; ')} (load ${loadNow()[0]})`)
}

async function drained({ bench, place, api }: Month): Promise<number | null> {
  const startMs = systemClock.elapsedMs()
  while (systemClock.elapsedMs() - startMs < DRAIN_WITHIN_MS) {
    if (await isLoaded(bench.clickhouse, place, api.streams))
      return rounded((systemClock.elapsedMs() - startMs) / SECOND_MS, 1)
    await systemClock.sleep(LOOK_EVERY_MS)
  }
  return null
}

function summaryOf(series: readonly Held[]): ServiceMonth {
  const of = (value: (held: Held) => number | null) =>
    series.map((held) => ({ day: held.day, value: value(held) ?? Number.NaN }))
  const from = Math.min(WARM_UP_DAYS, Math.max(1, series.length - 1))
  const growth = (value: (held: Held) => number | null) => growthOf(of(value), from)
  const change = (value: (held: Held) => number | null) => changeOf(of(value), from)
  return {
    heap: growth(({ heapBytes }) => heapBytes),
    external: growth(({ externalBytes }) => externalBytes),
    handles: change(({ handles }) => handles),
    sockets: change(({ sockets }) => sockets),
    descriptors: change(({ descriptors }) => descriptors),
    series,
  }
}

/** Digits are left out of a message, so that the same one counts as one. */
function errorsIn(logDir: string): Record<string, number> {
  const errors: Record<string, number> = {}
  for (const file of readdirSync(logDir).filter((name) => name.startsWith('month-'))) {
    for (const line of readFileSync(join(logDir, file), 'utf8').split('\n')) {
      if (!/"level":("error"|"fatal"|50|60)/.test(line)) continue
      const message = messageIn(line).replace(/\d+/g, '#')
      const key = `${file.replace('.log', '')}: ${message}`
      errors[key] = (errors[key] ?? 0) + 1
    }
  }
  return errors
}

function messageIn(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { code?: string; message?: string } }
    return [msg, err?.code, err?.message].filter((text) => text !== undefined).join(' ')
  } catch {
    return line.slice(0, SHOWN_CHARS)
  }
}
