/**
 * Formats of times as APIs write them, by tokens of strptime: reads a text as nanoseconds since the epoch, and writes a
 * position. A text that does not match to its end gives nothing, and so does a day that its month has not. Pure.
 */
import { floorDiv, inRange, instantNs, NS_PER_MS, NS_PER_SECOND, secondsNs } from './instant.ts'
import { utcOfLocal, type Zone } from './time-zone.ts'

const MONTHS = 'january february march april may june july august september october november december'.split(' ')
const DAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ')
const names = (all: readonly string[]): string => all.map((name) => `${name}|${name.slice(0, 3)}`).join('|')

/** What each token matches; each comes once. */
const TOKENS: Readonly<Record<string, string>> = {
  /** Year, of four or two digits; month and day, with or without a leading zero. */
  ...{ Y: '\\d{4}', y: '\\d{2}', m: '\\d{1,2}', d: '\\d{1,2}', e: '\\s?\\d{1,2}' },
  /** Names of months and weekdays, in English; a weekday is not checked. */
  ...{ b: names(MONTHS), B: names(MONTHS), a: names(DAYS), A: names(DAYS) },
  /** Hour of 24, or of 12 with %p; minute, second, and digits behind the point of the second. */
  ...{ H: '\\d{1,2}', I: '\\d{1,2}', p: '[ap]\\.?m\\.?', M: '\\d{1,2}', S: '\\d{1,2}', f: '\\d{1,9}' },
  /** Offset from UTC: Z, +0100, +01:00. */
  z: 'z|[+-]\\d{2}(?::?\\d{2})?',
  /** Seconds since the epoch, also with a fraction; milliseconds since the epoch. */
  ...{ s: '[+-]?\\d{1,12}(?:\\.\\d{1,12})?', ms: '[+-]?\\d{1,15}' },
}

export type TimeFormat = { read(text: string): bigint | null; write(position: Date): string; hasZone: boolean }

type Parts = Readonly<Record<string, string | undefined>>

/** `zone`: of texts without an offset, and of what is written. Throws RangeError for a format that gives no instant. */
export function timeFormat(format: string, zone: Zone | null): TimeFormat {
  const tokens = [...format.matchAll(/%(ms|.)|[^%]+|%/gs)]
  const named = tokens.flatMap(([, token]) => (token === undefined || token === '%' ? [] : [token]))
  refuseUnusable(
    format,
    named,
    tokens.some(([text]) => text === '%'),
  )
  const pattern = tokens
    .map(([text, token]) => {
      if (token === undefined || token === '%') return (token ?? text).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      return `(?<${token}>${TOKENS[token]})`
    })
    .join('')
  const matcher = new RegExp(`^${pattern}$`, 'i')
  const hasZone = named.some((token) => ['z', 's', 'ms'].includes(token))
  return {
    hasZone,
    read(text) {
      const parts = matcher.exec(text)?.groups
      return parts === undefined ? null : inRange(positionIn(parts, zone))
    },
    write(position) {
      const ms = position.getTime()
      const offsetMs = zone?.offsetMs(ms) ?? 0
      const local = new Date(ms + offsetMs)
      return tokens
        .map(([text, token]) => (token === undefined ? text : written(token, position, local, offsetMs)))
        .join('')
    },
  }
}

function refuseUnusable(format: string, named: readonly string[], endsOpen: boolean): void {
  const wrong = (what: string) => new RangeError(`the time format "${format}" ${what}`)
  const unknown = named.find((token) => !Object.hasOwn(TOKENS, token))
  if (unknown !== undefined || endsOpen)
    throw wrong(
      `has an unknown token %${unknown ?? ''}; known: ${Object.keys(TOKENS)
        .map((token) => `%${token}`)
        .join(' ')}`,
    )
  const twice = named.find((token, at) => named.indexOf(token) !== at)
  if (twice !== undefined) throw wrong(`has %${twice} twice`)
  const has = (...tokens: string[]) => tokens.some((token) => named.includes(token))
  if (!has('s', 'ms') && !(has('Y', 'y') && has('m', 'b', 'B') && has('d', 'e'))) throw wrong('gives no day')
  if (has('I') !== has('p')) throw wrong('needs %I and %p together')
}

function positionIn(parts: Parts, zone: Zone | null): bigint | null {
  if (parts.s !== undefined) return secondsNs(parts.s)
  if (parts.ms !== undefined) return BigInt(parts.ms) * NS_PER_MS
  const { Y, y, m, b, B, d, e, M = '0', S = '0', f = '', z } = parts
  const year = Y ?? String(Number(y) + (Number(y) < CENTURY_TURN ? 2000 : 1900))
  const month = m ?? String(MONTHS.findIndex((name) => name.startsWith((b ?? B ?? '').toLowerCase().slice(0, 3))) + 1)
  const hour = hourIn(parts)
  const two = (part: string | number) => String(part).trim().padStart(2, '0')
  const fraction = f === '' ? '' : `.${f}`
  if (hour === null) return null
  const text = `${year}-${two(month)}-${two(d ?? e ?? '')}T${two(hour)}:${two(M)}:${two(S)}${fraction}`
  if (z !== undefined) return instantNs(`${text}${z}`)
  const localNs = instantNs(`${text}Z`)
  return localNs === null || zone === null ? null : utcOf(localNs, zone)
}

/** As POSIX splits years of two digits. */
const CENTURY_TURN = 69

/** Null for an hour that a clock of twelve hours has not. */
function hourIn({ H, I, p }: Parts): number | null {
  if (I === undefined) return Number(H ?? 0)
  const hour = Number(I)
  if (hour < 1 || hour > 12) return null
  return (hour % 12) + (p?.toLowerCase().startsWith('p') ? 12 : 0)
}

/** `localNs`: as if the local time were in UTC. */
export function utcOf(localNs: bigint, zone: Zone): bigint {
  const seconds = floorDiv(localNs, NS_PER_SECOND)
  const utcMs = utcOfLocal(zone, Number(seconds) * 1000)
  return BigInt(utcMs) * NS_PER_MS + (localNs - seconds * NS_PER_SECOND)
}

function written(token: string, utc: Date, local: Date, offsetMs: number): string {
  const two = (part: number) => String(part).padStart(2, '0')
  const [month = '', day = ''] = [MONTHS[local.getUTCMonth()], DAYS[local.getUTCDay()]]
  const title = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`
  const hour = local.getUTCHours()
  const minutes = Math.abs(offsetMs) / 60_000
  const texts: Record<string, () => string> = {
    ...{ '%': () => '%', Y: () => String(local.getUTCFullYear()).padStart(4, '0') },
    ...{ y: () => two(local.getUTCFullYear() % 100), m: () => two(local.getUTCMonth() + 1) },
    ...{ d: () => two(local.getUTCDate()), e: () => String(local.getUTCDate()) },
    ...{
      b: () => title(month.slice(0, 3)),
      B: () => title(month),
      a: () => title(day.slice(0, 3)),
      A: () => title(day),
    },
    ...{ H: () => two(hour), I: () => two(hour % 12 === 0 ? 12 : hour % 12), p: () => (hour < 12 ? 'AM' : 'PM') },
    ...{ M: () => two(local.getUTCMinutes()), S: () => two(local.getUTCSeconds()) },
    f: () => `${String(local.getUTCMilliseconds()).padStart(3, '0')}000`,
    z: () => `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`,
    ...{ s: () => String(Math.floor(utc.getTime() / 1000)), ms: () => String(utc.getTime()) },
  }
  return texts[token]?.() ?? ''
}
