/**
 * One partition of a dead-letter topic, for replaying or dropping dead letters. It takes the partition over and finds
 * the open ones. One transaction then writes what is done, together with what results from it. A crash leaves either
 * all of a transaction or nothing, so no dead letter is handled twice and none is forgotten. The group's commit is
 * where the next reader starts: every dead letter below it is done. One writer at a time: the last to fence wins.
 */
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Kafka, LogRange, Message, OffsetCommit } from '../kafka/kafka.ts'
import type { Names } from '../names.ts'
import { type Letter, readLetter } from './dead-letter.ts'
import { doneHeaders, type OffsetRange } from './frame.ts'

/** By offset, ascending: the result for each open dead letter. */
export type OpenLetters<T> = { open: Map<number, T>; high: number; more: boolean }

export type DoneLetters = {
  how: 'replayed' | 'dropped'
  /** Offsets of the dead letters, ascending. */
  done: readonly number[]
  /** For the stream's topic, same partition. */
  records: readonly Message[]
  /** Dead letters that replace others. */
  letters: readonly Message[]
}

export type LetterLog = {
  /** No transaction of an earlier holder is pending afterwards, and none can follow. Only then read. */
  fence(): Promise<void>
  /** Every open dead letter as `classify` sees it, up to `OPEN_MAX` of them. */
  readOpen<T>(classify: (letter: Letter) => T): Promise<OpenLetters<T>>
  /** `open`: what a scan has found. Those that are done are removed from it. */
  markDone(letters: DoneLetters, found: OpenLetters<unknown>): Promise<void>
  close(): Promise<void>
}

export type LetterPlaceTools = { kafka: Kafka; names: Names; clock: Clock; topic: string; partition: number }

/** Dead letters of one partition that are held in memory at once; some 40 MB. */
export const OPEN_MAX = 500_000
/** A pending transaction of the fetcher hides the records after it: wait 10 s, where one takes milliseconds. */
const LOOKS_MAX = 200
const LOOK_AGAIN_MS = 50

const progress = z.object({
  v: z.literal(1),
  offset: z.int().min(0),
  /** The offset after the last message that marks dead letters as done. */
  end: z.int().min(0),
})

/** `topic`: that of the records. */
export function letterLog({ kafka, names, clock, topic, partition }: LetterPlaceTools): LetterLog {
  const letterTopic = names.deadLetters(topic)
  const publisher = kafka.publisher(names.transactionalId(letterTopic, partition))

  /** The range to read: from the commit to an end that includes everything that is marked as done. */
  async function rangeNow(): Promise<LogRange> {
    const committed = (await kafka.committed(names.lettersGroup, letterTopic))[partition] ?? null
    const last = committed === null ? null : progressOf(committed)
    for (let attempt = 1; ; attempt++) {
      const { low, high } = (await kafka.logRanges(letterTopic))[partition] ?? { low: 0, high: 0 }
      if (last !== null && high < last.end && attempt < LOOKS_MAX) {
        await clock.sleep(LOOK_AGAIN_MS)
        continue
      }
      // A commit beyond the end belongs to a log that no longer exists.
      return { low: last === null || last.offset > high ? low : Math.max(low, last.offset), high }
    }
  }

  async function readOpen<T>(classify: (letter: Letter) => T): Promise<OpenLetters<T>> {
    const { low, high } = await rangeNow()
    const open = new Map<number, T>()
    let more = false
    if (low >= high) return { open, high, more }
    for await (const message of kafka.readPartition(letterTopic, partition, low, high)) {
      const read = readLetter(partition, message)
      if ('done' in read) removeDone(open, read.done)
      else if (open.size < OPEN_MAX) open.set(read.letter.offset, classify(read.letter))
      else more = true
    }
    return { open, high, more }
  }

  async function markDone({ how, done, records, letters }: DoneLetters, found: OpenLetters<unknown>): Promise<void> {
    const left = new Set(done)
    let first = found.more ? null : found.high
    for (const offset of found.open.keys()) {
      if (left.has(offset)) continue
      first = offset
      break
    }
    const offset = first ?? done[0] ?? 0
    const doneMessage: Message = { key: null, value: null, headers: doneHeaders(done, how), timestampMs: clock.nowMs() }
    const appends = [
      { topic, partition, messages: records },
      { topic: letterTopic, partition, messages: [...letters, doneMessage] },
    ]
    await publisher.publish(appends, (appended): OffsetCommit => {
      const end = appended.find((append) => append.topic === letterTopic)?.nextOffset ?? offset
      const metadata = JSON.stringify({ v: 1, offset, end } satisfies z.infer<typeof progress>)
      return { group: names.lettersGroup, topic: letterTopic, partition, offset, metadata }
    })
    for (const each of done) found.open.delete(each)
  }

  return { fence: publisher.fence, readOpen, markDone, close: () => publisher.close() }
}

function progressOf({ offset, metadata }: { offset: number; metadata: string }): z.infer<typeof progress> | null {
  try {
    const parsed = progress.safeParse(JSON.parse(metadata))
    return parsed.success && parsed.data.offset === offset ? parsed.data : null
  } catch {
    return null
  }
}

/** Costs as much as the smaller of both. */
function removeDone(open: Map<number, unknown>, ranges: readonly OffsetRange[]): void {
  for (const [from, to] of ranges) {
    if (to - from <= open.size) for (let offset = from; offset < to; offset++) open.delete(offset)
    else for (const offset of open.keys()) if (offset >= from && offset < to) open.delete(offset)
  }
}
