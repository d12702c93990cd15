/**
 * Rows of one partition that deletion marks hide. A mark has the offset of the page marker that ended its walk, and the
 * time of the walk's start. A mark of a valid walk is reported as information. A mark without such a walk, or one that
 * hides a record of its own walk, is a difference. Marks are queried by offsets in portions. Of the records that a
 * later mark hides, the last ones are kept until it is reached.
 */
import type { ClickHouse } from '#shared/clickhouse.ts'
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { type PageMarker, replaysOf } from '#shared/messages/frame.ts'
import { completeDoubt } from '#shared/messages/marker-trust.ts'
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'
import type { Findings } from './findings.ts'
import type { Shape } from './table-shape.ts'

export type MarksTools = {
  clickhouse: ClickHouse
  shape: Shape
  partition: number
  /** Of the registered schema. */
  policy: DeletesPolicy | undefined
  findings: Findings
  /** Walks to name. */
  walksMax: number
}

export type MarkedWalk = { run: string; startedAt: string; offset: number; rows: number; released: boolean }
/** `rows`: hidden by marks of valid walks; the newest of these walks, and their number. */
export type Marked = { rows: number; walks: MarkedWalk[]; count: number }

export type MarkCheck = {
  /** Takes the marks at `[from, to)` that hide a row. */
  begin(from: number, to: number): Promise<void>
  /**
   * In log order; call `record` for every message that is not a marker. `sinceMs`: anything earlier belongs to a former
   * log.
   */
  marker(message: RawMessage, facts: PageMarker, sinceMs: number): void
  record(offset: number): void
  /** The record is not shown: the newest row of its key is a deleted one, at a later offset. */
  hidden(record: { offset: number; key: string; isReplay: boolean }, byOffset: number): void
  end(low: number, sinceMs: number): void
  /** `shown`: rows of the partition that are shown. */
  finish(shown: number): Marked
}

type Mark = { atMs: number; rows: number }
type Hidden = { offset: number; key: string }

/** Records that one mark hides, the last ones of the log: those of its own walk are among them. */
const HIDDEN_MAX = 1_000
/**
 * Offsets of deleted rows still to be reached; some 20 MB. Beyond it, records of their own walks are not searched for.
 */
const AHEAD_MAX = 100_000

export function createMarkCheck({ clickhouse, shape, partition, policy, findings, walksMax }: MarksTools): MarkCheck {
  let marks = new Map<number, Mark[]>()
  const ahead = new Map<number, Hidden[]>()
  const marked: Marked = { rows: 0, walks: [], count: 0 }
  let position = -1

  async function begin(from: number, to: number): Promise<void> {
    marks = new Map()
    for await (const rows of clickhouse.portions<{ o: string; t: string; n: string }>(
      statement(shape, partition, from, to),
    )) {
      for (const { o, t, n } of rows)
        marks.set(Number(o), [...(marks.get(Number(o)) ?? []), { atMs: Number(t), rows: Number(n) }])
    }
  }

  function marker(message: RawMessage, facts: PageMarker, sinceMs: number): void {
    const offset = Number(message.offset)
    const { complete, run } = facts
    const place = { offset, timestampMs: Number(message.timestamp), isReplay: replaysOf(message.headers) > 0 }
    const doubt =
      complete === undefined
        ? 'its page ends no complete walk'
        : (completeDoubt(facts, place) ??
          (policy === undefined ? 'the registered schema does not declare deletes' : null))
    for (const { atMs, rows } of marks.get(offset) ?? []) {
      if (atMs < sinceMs && atMs !== complete?.startedMs) continue
      const reason = doubt ?? (atMs === complete?.startedMs ? null : 'the walk started at another time')
      if (reason === null) count({ run, startedAt: timeText(atMs), offset, rows, released: complete?.allowed === true })
      else
        findings.note(
          'mark_unfounded',
          `${partition}:${offset}, ${rows} rows, walk ${run} of ${timeText(atMs)}: ${reason}`,
          rows,
        )
    }
    const own = (ahead.get(offset) ?? []).filter((hidden) => doubt === null && hidden.offset >= (complete?.from ?? 0))
    for (const hidden of own) findings.note('row_hidden', `${partition}:${hidden.offset} ${hidden.key}, by walk ${run}`)
    forget(offset)
  }

  function count(walk: MarkedWalk): void {
    marked.rows += walk.rows
    marked.count += 1
    marked.walks.unshift(walk)
    marked.walks.length = Math.min(marked.walks.length, walksMax)
  }

  function forget(offset: number): void {
    position = offset
    marks.delete(offset)
    ahead.delete(offset)
  }

  function hidden(
    { offset, key, isReplay }: { offset: number; key: string; isReplay: boolean },
    byOffset: number,
  ): void {
    // A replayed dead letter has the time of its first fetch: the walk around its offset did not return it. A hidden
    // row at an offset already passed, and not known as a mark, is the record of a deletion.
    if (isReplay || byOffset <= position) return
    const known = ahead.get(byOffset) ?? []
    if (known.length === 0 && ahead.size >= AHEAD_MAX) return
    ahead.set(byOffset, known)
    known.push({ offset, key })
    if (known.length > HIDDEN_MAX) known.shift()
  }

  function end(low: number, sinceMs: number): void {
    for (const [offset, found] of marks) {
      for (const { atMs, rows } of found) {
        if (offset < low || atMs < sinceMs) continue
        findings.note(
          'mark_unfounded',
          `${partition}:${offset}, ${rows} rows, of ${timeText(atMs)}: no page marker is there`,
          rows,
        )
      }
    }
    marks = new Map()
  }

  function finish(shown: number): Marked {
    const [newest] = marked.walks
    if (shown === 0 && newest !== undefined && !newest.released && policy?.allowAll !== true) {
      findings.note(
        'mark_all',
        `${partition}:${newest.offset}, ${newest.rows} rows, walk ${newest.run} of ${newest.startedAt}`,
        newest.rows,
      )
    }
    return marked
  }

  return { begin, marker, record: forget, hidden, end, finish }
}

/**
 * Offsets of deleted rows that are the newest of their keys, and how many are at each. GLOBAL: the table may be
 * sharded.
 */
function statement({ from, keys }: Shape, partition: number, first: number, to: number): string {
  const key = keys.join(', ')
  const deleted =
    `SELECT ${key} FROM ${from} WHERE _deleted = 1 AND _partition = ${partition} ` +
    `AND _offset >= ${first} AND _offset < ${to}`
  return `SELECT newest.2 AS o, newest.3 AS t, count() AS n FROM (
  SELECT argMax((_partition, _offset, toUnixTimestamp64Milli(_fetched_at), _deleted), _version) AS newest
  FROM ${from} WHERE (${key}) GLOBAL IN (${deleted}) GROUP BY ${key}
) WHERE newest.4 = 1 AND newest.1 = ${partition} AND o >= ${first} AND o < ${to} GROUP BY o, t ORDER BY o, t`
}

const timeText = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString()
