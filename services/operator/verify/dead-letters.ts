/**
 * The dead letters of one partition: which records of the log were rejected, by offset and fetch time, and which
 * letters the ledger lacks. The ledger is written concurrently with loading, so it is compared up to its own committed
 * offset.
 */
import { type ClickHouse, textLiteral } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { type Letter, readLetter } from '#shared/messages/dead-letter.ts'
import { LETTERS_TABLE, type Names } from '#shared/names.ts'
import type { Findings } from './findings.ts'
import { exists, tableAt } from './table-shape.ts'

export type RefusedOffsets = {
  has(offset: number, atMs: number): boolean
  /** Looks again: a letter may be in the topic but hidden by a transaction in progress. */
  hasSoon(offset: number, atMs: number): Promise<boolean>
}

export type LettersTools = {
  kafka: Kafka
  clickhouse: ClickHouse
  names: Names
  clock: Clock
  database: string
  topic: string
  partition: number
  /** Only letters of this run. */
  run: string | undefined
  findings: Findings
}

/**
 * `behind`: offsets that the ledger has not reached yet; `more`: there are more rejected records than are kept in
 * memory.
 */
export type LettersChecked = { refused: RefusedOffsets; letters: number; behind: number; more: boolean }

/** Offsets of rejected records of one partition; some 20 MB. */
const REFUSED_MAX = 250_000
/** Ledger rows read at once. */
const PORTION_OFFSETS = 250_000
/** A transaction takes milliseconds. */
const LOOKS_MAX = 5
const LOOK_AGAIN_MS = 500

type LetterRow = { o: string; t: string; origin: string; run: string }

export async function checkLetters(tools: LettersTools): Promise<LettersChecked> {
  const { kafka, clickhouse, names, clock, database, topic, partition, run, findings } = tools
  const letterTopic = names.deadLetters(topic)
  const opening = `${topic}/${partition}/`
  const places = new Map<number, number>()
  const first = (await kafka.logRanges(letterTopic))[partition] ?? { low: 0, high: 0 }
  const place = (await kafka.committed(names.lettersLedgerGroup, letterTopic))[partition]?.offset ?? first.low
  const entered = Math.min(place, first.high)
  const hasLedger = await exists(clickhouse, database, LETTERS_TABLE)
  let [letters, more, looks, position] = [0, false, 0, first.high]

  function know(origin: string | undefined, atMs: number): void {
    if (origin?.startsWith(opening) !== true) return
    if (places.size < REFUSED_MAX) places.set(Number(origin.slice(opening.length)), atMs)
    else more = true
  }

  const rowsOf = async (from: number, to: number): Promise<LetterRow[]> => {
    if (!hasLedger) return []
    const where =
      `topic = ${textLiteral(letterTopic)} AND partition = ${partition} ` + `AND offset >= ${from} AND offset < ${to}`
    const columns = 'offset AS o, toUnixTimestamp64Milli(fetched_at) AS t, origin, run'
    return clickhouse.rows<LetterRow>(`SELECT ${columns} FROM ${tableAt(database, LETTERS_TABLE)} FINAL WHERE ${where}`)
  }

  let sinceMs: number | null = null
  async function portion(from: number, to: number): Promise<void> {
    const rows = new Map((await rowsOf(from, Math.min(to, entered))).map((row) => [Number(row.o), row]))
    for await (const message of kafka.readPartition(letterTopic, partition, from, to)) {
      const found = readLetter(partition, message)
      if ('done' in found) continue
      const { offset, origin, atMs } = found.letter
      sinceMs ??= atMs
      know(origin, atMs)
      const isAsked = run === undefined || found.letter.run === run
      if (isAsked) letters++
      if (isAsked && offset < entered && !rows.has(offset)) findings.note('letter_missing', wordsOf(found.letter))
      rows.delete(offset)
    }
    for (const [offset, { t, run: of }] of rows) {
      // A letter of an earlier topic, at the same offset.
      if (Number(t) < (sinceMs ?? 0) || (run !== undefined && of !== run)) continue
      findings.note('letter_unknown', `${partition}:${offset}`)
    }
  }

  // The ledger still has what retention has deleted from the topic.
  for (const { t, origin } of await rowsOf(0, first.low)) know(origin, Number(t))
  for (let from = first.low; from < first.high; from += PORTION_OFFSETS)
    await portion(from, Math.min(from + PORTION_OFFSETS, first.high))

  const has = (offset: number, atMs: number): boolean => places.get(offset) === atMs
  async function hasSoon(offset: number, atMs: number): Promise<boolean> {
    for (;;) {
      if (has(offset, atMs)) return true
      if (looks >= LOOKS_MAX) return false
      if (looks++ > 0) await clock.sleep(LOOK_AGAIN_MS)
      const high = (await kafka.logRanges(letterTopic))[partition]?.high ?? 0
      for await (const message of kafka.readPartition(letterTopic, partition, position, high)) {
        const found = readLetter(partition, message)
        if ('letter' in found) know(found.letter.origin, found.letter.atMs)
      }
      position = Math.max(position, high)
    }
  }
  return { refused: { has, hasSoon }, letters, behind: first.high - Math.max(entered, first.low), more }
}

const wordsOf = ({ partition, offset, stage, reason }: Letter): string => `${partition}:${offset} (${stage}, ${reason})`
