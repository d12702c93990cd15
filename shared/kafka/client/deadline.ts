/**
 * Deadlines: every promise of the client package can stay pending for ever, so each one is raced against a named time
 * limit.
 */
import type { Clock } from '../../clock.ts'
import { messageOf, Unavailable } from '../../errors.ts'

/** Created once: creating an error captures its stack. */
const IN_TIME = new Error('in time')

/**
 * `work`, or Unavailable (HR_KAFKA_TIMEOUT) after `ms`. The work is not stopped: the caller closes the client that it
 * runs on.
 */
export async function within<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const deadline = clock.sleep(ms, timer.signal).then(() => {
    throw new Unavailable('HR_KAFKA_TIMEOUT', `Kafka: ${what} took longer than ${ms} ms`, {
      hint: 'see whether the brokers are up and whether all replicas of the topic are in sync',
    })
  })
  deadline.catch(() => undefined)
  try {
    return await Promise.race([work, deadline])
  } finally {
    timer.abort(IN_TIME)
    work.catch(() => undefined)
  }
}

/** For clean-up: waits at most `ms` and swallows the error, which `onError` may log. */
export async function settle(
  clock: Clock,
  ms: number,
  work: Promise<unknown>,
  onError: (message: string) => void,
): Promise<void> {
  await within(clock, ms, 'closing', work).catch((error) => onError(messageOf(error)))
}
