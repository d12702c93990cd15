/**
 * `headrace dead-letters drop`: marks letters as done without replaying them. They stay in the topic until retention
 * deletes them, and `list --done` shows them. Letters may arrive while the question waits for its answer; those are not
 * dropped.
 */
import type { Clock } from '#shared/clock.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { type LetterFilter, matches } from '#shared/messages/dead-letter.ts'
import { letterLog } from '#shared/messages/dead-letter-log.ts'
import type { Names } from '#shared/names.ts'
import { topicOf } from './list.ts'

export type DropPlan = {
  stream: string
  letters: number
  /** There are more than were examined. */
  more: boolean
}

/** Letters named in one message: its header has some 16 bytes for each. */
const NAMED_MAX = 10_000

export type DropTools = { kafka: Kafka; names: Names; clock: Clock }

/**
 * Passes what matches to `decide`, and drops it if that agrees. Throws WrongUse for a stream that Kafka does not know,
 * and FencedError if a replay of the same letters has begun meanwhile.
 */
export async function dropLetters(
  { kafka, names, clock }: DropTools,
  wanted: string,
  filter: LetterFilter,
  decide: (plan: DropPlan) => Promise<boolean>,
): Promise<DropPlan & { dropped: boolean }> {
  const topic = await topicOf(kafka, names, wanted)
  const partitions = (await kafka.logRanges(names.deadLetters(topic))).flatMap((_, partition) =>
    (filter.partition ?? partition) === partition
      ? [{ partition, log: letterLog({ kafka, names, clock, topic, partition }) }]
      : [],
  )
  try {
    // Fenced before the search, so a replay in progress ends instead of replaying what is dropped.
    for (const { log } of partitions) await log.fence()
    const opened = []
    for (const { log } of partitions)
      opened.push({ log, found: await log.readOpen((letter) => matches(filter, letter)) })
    const chosen = opened.map(({ log, found }) => ({
      ...{ log, found },
      offsets: [...found.open].flatMap(([offset, isMatch]) => (isMatch ? [offset] : [])),
    }))
    const letters = chosen.reduce((total, { offsets }) => total + offsets.length, 0)
    const plan = { stream: wanted, letters, more: chosen.some(({ found }) => found.more) }
    if (letters === 0 || !(await decide(plan))) return { ...plan, dropped: false }
    for (const { log, found, offsets } of chosen) {
      for (let from = 0; from < offsets.length; from += NAMED_MAX) {
        const done = offsets.slice(from, from + NAMED_MAX)
        await log.markDone({ how: 'dropped', done, records: [], letters: [] }, found)
      }
    }
    return { ...plan, dropped: true }
  } finally {
    for (const { log } of partitions) await log.close()
  }
}
