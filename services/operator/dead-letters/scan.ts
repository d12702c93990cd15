/**
 * What a dead-letter topic holds, from Kafka alone. Bounded: the newest `LOOKED_AT_MAX` offsets of each partition; it
 * says when there are more. Subtracting offsets gives no count: transactions leave control records between the letters.
 */
import type { Kafka } from '#shared/kafka/kafka.ts'
import { isDoneBy, type Letter, type LetterFilter, matches, readLetter } from '#shared/messages/dead-letter.ts'
import { shownName } from '#shared/shown.ts'

export type DeadLetterCount = {
  /** Open ones. */
  count: number
  /** Replayed or dropped. */
  done: number
  /** True if there are more than were examined. */
  more: boolean
  /** Of the open ones. */
  reasons: Record<string, number>
}

export type LetterState = 'open' | 'done'
export type SeenLetter = Letter & { state: LetterState }

/** Offsets examined in each partition; the newest ones. */
const LOOKED_AT_MAX = 10_000
/** In all partitions of all topics that are counted together, as far as each gets `LOOKED_AT_MIN`. */
const ALL_LOOKED_AT_MAX = 100_000
const LOOKED_AT_MIN = 100

/** How many offsets of each partition to examine. Even with thousands of filled partitions, each gets a look. */
export async function lettersToLookAt(kafka: Pick<Kafka, 'logRanges'>, topics: readonly string[]): Promise<number> {
  const ranges = (await Promise.all(topics.map((topic) => kafka.logRanges(topic)))).flat()
  const filled = ranges.filter(({ low, high }) => low < high).length
  return Math.max(LOOKED_AT_MIN, Math.min(LOOKED_AT_MAX, Math.floor(ALL_LOOKED_AT_MAX / Math.max(1, filled))))
}

/** By partition. */
export async function countDeadLetters(
  kafka: Kafka,
  topic: string,
  lookedAtMax = LOOKED_AT_MAX,
): Promise<DeadLetterCount[]> {
  return (await newestLetters(kafka, topic, {}, lookedAtMax)).map(({ letters, more }) => {
    const open = letters.filter(({ state }) => state === 'open')
    return { count: open.length, done: letters.length - open.length, more, reasons: histogram(open) }
  })
}

/** By partition: the letters that match, oldest first. */
export async function newestLetters(
  kafka: Kafka,
  topic: string,
  filter: LetterFilter,
  lookedAtMax = LOOKED_AT_MAX,
): Promise<{ letters: SeenLetter[]; more: boolean }[]> {
  const ranges = await kafka.logRanges(topic)
  return Promise.all(
    ranges.map(async ({ low, high }, partition) => {
      if (low >= high || (filter.partition ?? partition) !== partition) return { letters: [], more: false }
      const from = Math.max(low, high - lookedAtMax)
      const letters: SeenLetter[] = []
      for await (const message of kafka.readPartition(topic, partition, from, high)) {
        const read = readLetter(partition, message)
        if ('letter' in read) {
          if (matches(filter, read.letter)) letters.push({ ...read.letter, state: 'open' })
        } else {
          for (const letter of letters) if (isDoneBy(read.done, letter.offset)) letter.state = 'done'
        }
      }
      return { letters, more: from > low }
    }),
  )
}

/** Distinct reasons kept. Anyone who may write to the topic may write a different reason into each letter. */
const REASONS_MAX = 50
/** Stands for all others. */
const OTHER_REASONS = '(others)'

/** How often each reason comes, the most frequent first. */
export function histogram(letters: readonly { reason: string }[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { reason } of letters) {
    const name = shownName(reason)
    const counted = counts.has(name) || counts.size < REASONS_MAX ? name : OTHER_REASONS
    counts.set(counted, (counts.get(counted) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
}
