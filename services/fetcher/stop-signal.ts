/**
 * A stop in two steps. Soft: no new page is begun, the one in hand is finished and published. Hard, a grace later: its request is cut.
 */
import { fromEvent, type Observable, takeUntil } from 'rxjs'
import type { Clock } from '../../shared/clock.ts'

export type StopSignal = {
  soft: AbortSignal
  hard: AbortSignal
  request(): void
  /** Everything has stopped: the hard stop is no longer needed. */
  settled(): void
  /** The observable until the soft stop. */
  whileGoing<T>(source: Observable<T>): Observable<T>
}

export function stopSignal(clock: Clock, graceMs: number): StopSignal {
  const soft = new AbortController()
  const hard = new AbortController()
  const grace = new AbortController()
  return {
    soft: soft.signal,
    hard: hard.signal,
    request() {
      if (soft.signal.aborted) return
      soft.abort()
      clock.sleep(graceMs, grace.signal).then(
        () => hard.abort(),
        () => {},
      )
    },
    settled: () => grace.abort(),
    whileGoing: (source) => source.pipe(takeUntil(fromEvent(soft.signal, 'abort'))),
  }
}
