/**
 * A person decides to call an API earlier than it asked. A release names the attempt whose pause it ends, so it holds
 * for that pause only: a later pause is a new one. A running fetcher looks for releases while it is parked; the next
 * process reads them at its start.
 */
import { WrongUse } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import type { Names } from '#shared/names.ts'
import {
  type LastAttempt,
  parkedUntil,
  parseAttempt,
  parseRelease,
  releaseText,
} from '#shared/progress/last-attempt.ts'
import { isoOf } from './status/attempt.ts'
import { streamsOf } from './status/status.ts'

export type Released = { stream: string; partition: number; parkedUntil: string }

type Parked = { stream: string; topic: string; partition: number; attempt: LastAttempt; untilMs: number }

/**
 * Releases the parked partitions of a stream, or of all streams of a source. A pause of the whole source ends for its
 * other streams too: they share it. Throws WrongUse for a name that Kafka does not know.
 */
export async function releasePauses(kafka: Kafka, names: Names, name: string, nowMs: number): Promise<Released[]> {
  const all = await streamsOf(kafka, names, [])
  const ofSource = all.filter(({ stream }) => sourceOf(stream) === sourceOf(name))
  const named = ofSource.filter(({ stream }) => !name.includes('.') || stream === name)
  if (named.length === 0) {
    throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a source or stream "${name}"`, {
      hint: `streams in Kafka: ${all.map(({ stream }) => stream).join(', ') || 'none'}`,
    })
  }
  const parked = (await Promise.all(ofSource.map((each) => parkedOf(kafka, names, each, nowMs)))).flat()
  const isNamed = ({ stream }: Parked) => named.some((each) => each.stream === stream)
  const isWide = parked.some((each) => isNamed(each) && each.attempt.wholeSource === true)
  const chosen = parked.filter((each) => isNamed(each) || (isWide && each.attempt.wholeSource === true))
  for (const { topic } of ofSource) {
    const own = chosen.filter((each) => each.topic === topic)
    const notes = own.map(({ partition, attempt }) => {
      const metadata = releaseText({ v: 1, attemptMs: attempt.atMs, atMs: nowMs })
      return [partition, { offset: 0, metadata }] as const
    })
    await kafka.storeOffsets(names.releasesGroup, topic, new Map(notes))
  }
  return chosen.map(({ stream, partition, untilMs }) => ({ stream, partition, parkedUntil: isoOf(untilMs) }))
}

async function parkedOf(
  kafka: Kafka,
  names: Names,
  { stream, topic }: { stream: string; topic: string },
  nowMs: number,
): Promise<Parked[]> {
  const [attempts, releases] = await Promise.all([
    kafka.committed(names.attemptsGroup, topic),
    kafka.committed(names.releasesGroup, topic),
  ])
  return attempts.flatMap((stored, partition) => {
    const attempt = parseAttempt(stored?.metadata ?? '')
    const untilMs = parkedUntil(attempt, parseRelease(releases[partition]?.metadata ?? ''), nowMs)
    return attempt === null || untilMs === null ? [] : [{ stream, topic, partition, attempt, untilMs }]
  })
}

const sourceOf = (name: string): string => name.split('.')[0] ?? name
