/**
 * Closes batches: by rows, by bytes, by age, when a run ends, when the table changes, and on request. Age counts only
 * while no insert is running: a slow insert makes the next batch larger instead of many small ones. A table with many
 * parts has the same effect (`adaptive-limits.ts`). Only full batches are inserted two at once, so their number does
 * not grow. The time comes from the scheduler, so a test runs in virtual time.
 */
import {
  defer,
  filter,
  finalize,
  from,
  groupBy,
  mergeMap,
  Observable,
  type ObservableInput,
  type OperatorFunction,
  type SchedulerLike,
  Subject,
} from 'rxjs'
import { type BatchLimits, stretchedLimits, waitToClose } from './adaptive-limits.ts'
import { type Batch, type BatchPart, batchOf, tableOf } from './batch.ts'

export type BatchingOptions = BatchLimits & {
  scheduler: SchedulerLike
  /** Closes the open batch of one topic, or with null all of them. */
  flush: Observable<string | null>
  /** How many times larger the batches of a topic may be now; read for each batch. */
  stretchOf?(topic: string): number
}

type ClosingOptions = {
  limits(): BatchLimits
  scheduler: SchedulerLike
  flush: Observable<unknown>
  /** Whether an earlier batch is still being inserted; `idle` emits when none is any more. */
  busy(): boolean
  idle: Observable<unknown>
}

/**
 * Batches of one topic whose inserts may be under way at once. While ClickHouse sorts and writes the rows of one, it
 * can receive the next. More than two gain nothing, since each holds its bytes until it is committed.
 */
export const BATCHES_AT_ONCE = 2

/** `turn` resolves when every earlier batch of the topic has ended, committed or not. */
export type CommitInTurn = (batch: Batch, turn: Promise<void>) => ObservableInput<unknown>

/** At most `BATCHES_AT_ONCE` for each topic; topics side by side. An error from `commitBatch` ends everything. */
export function batchByTopic(
  options: BatchingOptions,
  commitBatch: CommitInTurn,
): OperatorFunction<BatchPart, unknown> {
  return (parts) =>
    parts.pipe(
      groupBy(({ topic }) => topic),
      mergeMap((ofTopic) => {
        const idle = new Subject<void>()
        let underWay = 0
        let last = Promise.resolve()
        const committing = (batch: Batch) =>
          defer(() => {
            underWay++
            const turn = last
            const ended = Promise.withResolvers<void>()
            last = turn.then(() => ended.promise)
            const end = () => {
              ended.resolve()
              underWay--
              if (underWay === 0) idle.next()
            }
            return from(commitBatch(batch, turn)).pipe(finalize(end))
          })
        const flush = options.flush.pipe(filter((topic) => topic === null || topic === ofTopic.key))
        const limits = () => stretchedLimits(options, options.stretchOf?.(ofTopic.key) ?? 1)
        const { scheduler } = options
        return ofTopic.pipe(
          closeBatches({ limits, scheduler, flush, busy: () => underWay > 0, idle }),
          mergeMap(committing, BATCHES_AT_ONCE),
        )
      }),
    )
}

/** The parts of one topic as batches of one table each. When the source completes, the open batch is the last one. */
function closeBatches(options: ClosingOptions): OperatorFunction<BatchPart, Batch> {
  return (source) =>
    new Observable((subscriber) => {
      let open: BatchPart[] = []
      let rows = 0
      let bytes = 0
      let openedMs = 0
      let hasRunEnd = false
      let closedMs = Number.NEGATIVE_INFINITY
      /** Null once the open batch has reached its age. */
      let age: { unsubscribe(): void } | null = null
      const { scheduler } = options

      function close(): void {
        age?.unsubscribe()
        if (open.length === 0) return
        const batch = batchOf(open)
        open = []
        rows = 0
        bytes = 0
        hasRunEnd = false
        closedMs = scheduler.now()
        subscriber.next(batch)
      }

      function add(part: BatchPart): void {
        if (!fits(open, part)) close()
        const limits = options.limits()
        if (open.length === 0) {
          openedMs = scheduler.now()
          hasRunEnd = part.isRunEnd === true
          waitForAge(limits)
        } else if (part.isRunEnd && !hasRunEnd && age !== null) {
          hasRunEnd = true
          age.unsubscribe()
          waitForAge(limits)
        }
        open.push(part)
        rows += part.rows
        bytes += part.bytes
        if (rows >= limits.batchRows || bytes >= limits.batchBytes) close()
      }

      function waitForAge(limits: BatchLimits): void {
        const waitMs = waitToClose(limits, { openedMs, closedMs, hasRunEnd }, scheduler.now())
        age = scheduler.schedule(grownOld, waitMs)
      }

      function grownOld(): void {
        age = null
        if (!options.busy()) close()
      }

      const subscription = source.subscribe({
        next: add,
        error: (error) => subscriber.error(error),
        complete: () => {
          close()
          subscriber.complete()
        },
      })
      subscription.add(options.flush.subscribe(close))
      subscription.add(options.idle.subscribe(() => age === null && close()))
      subscription.add(() => age?.unsubscribe())
      return subscription
    })
}

/** A batch belongs to one assignment, and its rows to one table. */
function fits(open: readonly BatchPart[], part: BatchPart): boolean {
  const table = tableOf(part)
  const isOfTable = (other: BatchPart) => table === null || [null, table].includes(tableOf(other))
  return open.every((other) => other.generation === part.generation && isOfTable(other))
}
