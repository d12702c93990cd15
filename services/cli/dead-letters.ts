/** `headrace dead-letters list | show`. */
import { WrongUse } from '#shared/errors.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import type { LetterFilter } from '#shared/messages/dead-letter.ts'
import type { DeadLetterStage } from '#shared/messages/frame.ts'
import { cutText, shownName, shownText } from '#shared/shown.ts'
import { positionOf } from '#shared/watermark.ts'
import {
  type LetterList,
  type LetterPlace,
  listLetters,
  type ShownLetter,
  showLetter,
} from '../operator/dead-letters/list.ts'
import { asJson, outputWidth, print } from './output.ts'
import { counted, table, wrapped } from './table-output.ts'
import { withKafka } from './with-kafka.ts'

export type FilterOptions = {
  reason?: string[]
  stage?: string[]
  run?: string
  since?: string
  until?: string
  partition?: string
  at?: string
}

const SHOWN = 20
const SHOWN_MAX = 1_000
const ISSUES_SHOWN_CHARS = 200
const STAGES: readonly DeadLetterStage[] = ['validate', 'insert', 'frame']

export async function listCommand(
  stream: string,
  options: FilterOptions & { limit?: string; done?: boolean; wide?: boolean; json?: boolean },
): Promise<number> {
  const limit = Math.min(wholeNumber('--limit', options.limit ?? String(SHOWN)), SHOWN_MAX)
  const filter = filterOf(options)
  return withKafka(async (kafka, names) => {
    const list = await listLetters(kafka, names, stream, { filter, limit, withDone: options.done === true })
    print(
      options.json === true
        ? asJson({ ...list, letters: list.letters.map(inWords) })
        : describeList(list, options.wide === true ? null : outputWidth()),
    )
    return 0
  })
}

export async function showCommand(stream: string, options: { at: string; json?: boolean }): Promise<number> {
  const at = placeOf(options.at)
  return withKafka(async (kafka, names) => {
    const letter = await showLetter(kafka, names, stream, at)
    print(options.json === true ? asJson(inWords(letter)) : describeLetter(letter))
    return 0
  })
}

/** Throws WrongUse that names the flag. */
export function filterOf(options: FilterOptions): LetterFilter {
  const { reason, stage, run, since, until, partition, at } = options
  return {
    ...(reason === undefined || reason.length === 0 ? {} : { reasons: reason }),
    ...(stage === undefined || stage.length === 0 ? {} : { stages: stage.map(stageOf) }),
    ...(run === undefined ? {} : { run }),
    ...(since === undefined ? {} : { sinceMs: timeOf('--since', since) }),
    ...(until === undefined ? {} : { untilMs: timeOf('--until', until) }),
    ...(partition === undefined ? {} : { partition: wholeNumber('--partition', partition) }),
    ...(at === undefined ? {} : { at: placeOf(at) }),
  }
}

/** `partition:offset`. */
export function placeOf(text: string): LetterPlace {
  const [, partition, offset] = /^(\d{1,9}):(\d{1,15})$/.exec(text) ?? []
  if (partition !== undefined && offset !== undefined) return { partition: Number(partition), offset: Number(offset) }
  throw new WrongUse('HR_LETTER_PLACE', `--at must be partition:offset, got ${text}`, {
    hint: 'for example 0:1500',
  })
}

export function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new WrongUse('HR_NUMBER', `${flag} must be a whole number, got ${text}`)
}

function timeOf(flag: string, text: string): number {
  const time = positionOf('iso', text)
  if (typeof time === 'bigint') return Number(time / NS_PER_MS)
  throw new WrongUse('HR_TIME', `${flag} must be a time, got ${text}`, {
    hint: 'write it with its zone, such as 2026-01-31T00:00:00Z',
  })
}

function stageOf(text: string): DeadLetterStage {
  const stage = STAGES.find((each) => each === text)
  if (stage !== undefined) return stage
  throw new WrongUse('HR_LETTER_STAGE', `--stage must be one of ${STAGES.join(', ')}, got ${text}`)
}

/** Times in the form that people and other programs read. */
function inWords<T extends { atMs: number }>({ atMs, ...rest }: T): Omit<T, 'atMs'> & { at: string } {
  return { ...rest, at: new Date(atMs).toISOString() }
}

const LIST_HEAD = ['place', 'fetched', 'stage', 'reason', 'replays']
const WIDE_LIST_HEAD = ['place', 'fetched', 'stage', 'reason', 'issues', 'run/page or origin', 'replays']

/** `width`: null for one line each, with all of the issues. */
export function describeList({ stream, open, done, more, reasons, letters }: LetterList, width: number | null): string {
  const older = more ? '; older ones were not read' : ''
  const counts = `${stream}: ${counted(open, 'open dead letter')}, ${done} done${older}`
  const histogram = Object.entries(reasons).map(([reason, count]) => `  ${count}  ${shownName(reason)}`)
  const newest = letters.length > 0 && letters.length < open ? [`the newest ${letters.length}:`] : []
  const rows = letters.map((each) => [
    `${each.partition}:${each.offset}`,
    width === null ? isoTime(each.atMs) : isoTime(each.atMs).replace(/\.\d+Z$/, 'Z'),
    each.state === 'done' ? `${each.stage}, done` : each.stage,
    shownName(each.reason),
  ])
  if (width === null) {
    const all = letters.map((each, at) => [
      ...(rows[at] ?? []),
      shownText(each.issues),
      shownText(originOf(each)),
      each.replays,
    ])
    return [counts, ...histogram, ...newest, ...(all.length === 0 ? [] : [table(all, WIDE_LIST_HEAD)])].join('\n')
  }
  const all = letters.flatMap((each, at) => [
    [...(rows[at] ?? []), each.replays],
    [`  ${shownText(cutText(each.issues, ISSUES_SHOWN_CHARS))}\n  ${shownText(originOf(each))}`],
  ])
  const lines = [counts, ...histogram, ...newest].map((line) => wrapped(line, width, '    '))
  return [...lines, ...(all.length === 0 ? [] : [table(all, LIST_HEAD, width)])].join('\n')
}

const isoTime = (ms: number): string => new Date(ms).toISOString()

const originOf = ({ run, page, origin }: ShownLetter | LetterList['letters'][number]): string =>
  run === undefined ? (origin ?? '–') : `run ${run}, page ${page ?? '–'}`

function describeLetter({ partition, offset, state, headers, raw, rawCut, bytes, atMs }: ShownLetter): string {
  const rows = Object.entries(headers).map(([name, value]) => `  ${shownName(name)}: ${shownText(value)}`)
  const size = rawCut ? `the first ${raw.length} characters of ${bytes} bytes` : counted(bytes, 'byte')
  return [`${partition}:${offset}, ${state}, fetched ${new Date(atMs).toISOString()}`, ...rows, `${size}:`, raw].join(
    '\n',
  )
}
