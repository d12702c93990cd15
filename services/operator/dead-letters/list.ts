/**
 * `headrace dead-letters list` and `show`: what was rejected and why, and one letter as it is stored in Kafka. Changes
 * nothing.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { WrongUse } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { isDoneBy, type Letter, type LetterFilter, readLetter } from '#shared/messages/dead-letter.ts'
import { singleHeaders } from '#shared/messages/frame.ts'
import type { Names } from '#shared/names.ts'
import { streamsOf } from '../status/status.ts'
import { histogram, newestLetters, type SeenLetter } from './scan.ts'

export type LetterList = {
  stream: string
  topic: string
  /** Of those that match. */
  open: number
  done: number
  /** True if there are older ones that were not examined. */
  more: boolean
  /** Of the open ones, the most frequent first. */
  reasons: Record<string, number>
  /** The newest, newest first. */
  letters: SeenLetter[]
}
export type ShownLetter = SeenLetter & { topic: string; headers: Record<string, string>; raw: string; rawCut: boolean }

export type LetterPlace = { partition: number; offset: number }

/** Messages after a letter that are searched for the one that marks it as done. */
const DONE_SEARCHED_MAX = 100_000
const RAW_SHOWN_BYTES_MAX = 64 * 1024

export type ListOptions = { filter: LetterFilter; limit: number; withDone: boolean }

/** Throws WrongUse for a stream that Kafka does not know. `withDone`: includes those that are done. */
export async function listLetters(
  kafka: Kafka,
  names: Names,
  wanted: string,
  options: ListOptions,
): Promise<LetterList> {
  const topic = names.deadLetters(await topicOf(kafka, names, wanted))
  const partitions = await newestLetters(kafka, topic, options.filter)
  const letters = partitions.flatMap((each) => each.letters)
  const open = letters.filter(({ state }) => state === 'open')
  const shown = [...(options.withDone ? letters : open)].sort(newestFirst)
  return {
    ...{
      stream: wanted,
      topic,
      open: open.length,
      done: letters.length - open.length,
      more: partitions.some(({ more }) => more),
    },
    reasons: histogram(open),
    letters: shown.slice(0, options.limit),
  }
}

const newestFirst = (a: Letter, b: Letter): number =>
  b.atMs - a.atMs || a.partition - b.partition || b.offset - a.offset

/** Throws WrongUse if there is no letter at that place. */
export async function showLetter(kafka: Kafka, names: Names, wanted: string, at: LetterPlace): Promise<ShownLetter> {
  const { partition, offset } = at
  const topic = names.deadLetters(await topicOf(kafka, names, wanted))
  const range = (await kafka.logRanges(topic))[partition]
  let shown: ShownLetter | null = null
  if (range !== undefined && offset >= range.low) {
    for await (const message of kafka.readPartition(topic, partition, offset, offset + DONE_SEARCHED_MAX)) {
      const read = readLetter(partition, message)
      if (shown === null) {
        if ('done' in read || read.letter.offset !== offset) break
        const headers = Object.entries(singleHeaders(message.headers)).map(([name, value]) => [name, String(value)])
        const raw = message.value?.toString('utf8', 0, RAW_SHOWN_BYTES_MAX) ?? ''
        shown = {
          ...{ ...read.letter, state: 'open', topic, headers: Object.fromEntries(headers) },
          ...{ raw, rawCut: read.letter.bytes > RAW_SHOWN_BYTES_MAX },
        }
      } else if ('done' in read && isDoneBy(read.done, offset)) {
        shown.state = 'done'
        break
      }
    }
  }
  if (shown !== null) return shown
  throw new WrongUse('HR_NO_LETTER', `${wanted} has no dead letter at ${partition}:${offset}`, {
    hint: `${HEADRACE} dead-letters list ${wanted} shows where the newest are`,
  })
}

/** The topic of a stream's records. Throws WrongUse for a stream that Kafka does not know. */
export async function topicOf(kafka: Kafka, names: Names, wanted: string): Promise<string> {
  const [found] = await streamsOf(kafka, names, [wanted])
  if (found === undefined) throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a stream "${wanted}"`)
  return found.topic
}
