/**
 * Compares the rows of one partition with the records of the log, exactly and in bounded memory. A row that FINAL shows
 * has its record's offset and fetch time. A record without such a row must be a dead letter, or the table must have an
 * equal or newer version of its key. Both are queried in portions by offset and key, so no key is held. What arrived
 * after the committed offset can only be newer, so a loader may run.
 */
import { type ClickHouse, QueryRefused, RECORD_SETTINGS, textLiteral } from '#shared/clickhouse.ts'
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { FRAME_HEAD_BYTES, replaysOf, schemaIdOf } from '#shared/messages/frame.ts'
import type { RefusedOffsets } from './dead-letters.ts'
import type { Findings } from './findings.ts'
import type { MarkCheck } from './marks.ts'
import type { Shape } from './table-shape.ts'

export type RowsTools = {
  clickhouse: ClickHouse
  shape: Shape
  partition: number
  refused: RefusedOffsets
  findings: Findings
} & {
  /** A record is not shown: the newest row of its key is a deleted one after it. */
  onHidden: MarkCheck['hidden']
}

export type RowCheck = {
  /** Takes what FINAL shows of `[from, to)`. */
  begin(from: number, to: number): Promise<void>
  /** In log order. */
  record(message: RawMessage): Promise<void>
  /** Checks all that was taken so far. */
  compareHeld(): Promise<void>
  /** `low`: the start of the log. `since`: anything fetched before it belongs to a former log. */
  end(low: number, sinceMs: number): Promise<void>
  /**
   * `shown`: rows of records of the log; `refused`: records that are dead letters; `before`: rows of what the log no
   * longer has.
   */
  counts: { shown: number; refused: number; before: number }
}

/** Records queried at once. */
const ASKED_ROWS_MAX = 20_000
const ASKED_BYTES_MAX = 4 * 1024 * 1024
/** A statement holds the records twice, escaped. */
const QUERY_BYTES_MAX = String(64 * 1024 * 1024)
const OPENING_BYTES = 1
const FINAL_FIRST = { optimize_move_to_prewhere_if_final: 0 } as const

type Shown = { offset: number; atMs: number }
type Hidden = Shown & { line: string; isReplay: boolean }
/** `newer`: the table's newest row of the key is at least as new as the record. `same`: by the same watermark. */
type Problem = {
  o: string
  key: string
  found: number
  p: number
  at: string
  deleted: number
  newer: number
  same: number
}

export function createRowCheck({ clickhouse, shape, partition, refused, findings, onHidden }: RowsTools): RowCheck {
  const counts = { shown: 0, refused: 0, before: 0 }
  let shown: Shown[] = []
  let next = 0
  let astray: Shown[] = []
  let hidden: Hidden[] = []
  let bytes = 0

  async function begin(from: number, to: number): Promise<void> {
    shown = []
    next = 0
    astray = []
    const query = `SELECT _offset AS o, toUnixTimestamp64Milli(_fetched_at) AS t FROM ${shape.from} FINAL
WHERE _partition = ${partition} AND _offset >= ${from} AND _offset < ${to} ORDER BY _offset`
    for await (const rows of clickhouse.portions<{ o: string; t: string }>(query, FINAL_FIRST)) {
      for (const { o, t } of rows) shown.push({ offset: Number(o), atMs: Number(t) })
    }
  }

  async function record(message: RawMessage): Promise<void> {
    const offset = Number(message.offset)
    const atMs = Number(message.timestamp)
    let seen = false
    for (let row = shown[next]; row !== undefined && row.offset <= offset; row = shown[++next]) {
      if (row.offset === offset && row.atMs === atMs) seen = true
      else astray.push(row)
    }
    if (seen) {
      counts.shown++
      return
    }
    const { value } = message
    if (refused.has(offset, atMs)) counts.refused++
    else if (value === null || schemaIdOf(value) === null) {
      if (await refused.hasSoon(offset, atMs)) counts.refused++
      else findings.note('row_unreadable', `${partition}:${offset}`)
    } else {
      const line = lineOf(partition, message, value)
      hidden.push({ offset, atMs, line, isReplay: replaysOf(message.headers) > 0 })
      bytes += line.length
      if (hidden.length >= ASKED_ROWS_MAX || bytes >= ASKED_BYTES_MAX) await compareHeld()
    }
  }

  async function compareHeld(): Promise<void> {
    const asked = hidden
    hidden = []
    bytes = 0
    if (asked.length > 0) await ask(asked)
  }

  /** Bisects to find what cannot be read. */
  async function ask(records: readonly Hidden[]): Promise<void> {
    let problems: Problem[]
    try {
      problems = await clickhouse.rows<Problem>(statement(shape, partition, records), {
        ...RECORD_SETTINGS,
        input_format_skip_unknown_fields: 1,
        max_query_size: QUERY_BYTES_MAX,
      })
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error
      const [only] = records
      if (only === undefined) return
      if (records.length > 1) {
        const half = Math.ceil(records.length / 2)
        await ask(records.slice(0, half))
        await ask(records.slice(half))
      } else if (await refused.hasSoon(only.offset, only.atMs)) counts.refused++
      else findings.note('row_unreadable', `${partition}:${only.offset} (${error.message})`)
      return
    }
    const asked = new Map(problems.length === 0 ? [] : records.map((record) => [record.offset, record]))
    for (const problem of problems) {
      const record = asked.get(Number(problem.o))
      if (record !== undefined) await classify(record, problem)
    }
  }

  async function classify(
    { offset, atMs, isReplay }: Hidden,
    { key, found, p, at, deleted, newer, same }: Problem,
  ): Promise<void> {
    const words = `${partition}:${offset} ${key}`
    if (newer === 1) {
      // A replayed dead letter arrives late and has the time of its first fetch: an earlier version can be newer.
      if (deleted === 1 && Number(at) > offset) onHidden({ offset, key, isReplay }, Number(at))
      else if (!isReplay && same === 1) findings.note('row_stale', `${words}; the table has ${p}:${at}`)
    } else if (await refused.hasSoon(offset, atMs)) counts.refused++
    else if (found === 0) findings.note('row_missing', words)
    else findings.note('row_older', `${words}; the table has ${p}:${at}`)
  }

  async function end(low: number, sinceMs: number): Promise<void> {
    await compareHeld()
    for (; next < shown.length; next++) astray.push(shown[next] as Shown)
    for (const { offset, atMs } of astray) {
      if (offset < low || atMs < sinceMs) counts.before++
      else findings.note('row_unknown', `${partition}:${offset}, fetched ${new Date(atMs).toISOString()}`)
    }
    shown = []
    astray = []
  }

  return { begin, record, compareHeld, end, counts }
}

/** As the loader would insert it. */
function lineOf(partition: number, { offset, timestamp }: RawMessage, value: Buffer): string {
  const fields = value.toString('utf8', FRAME_HEAD_BYTES + OPENING_BYTES)
  const comma = fields.trimStart() === '}' ? '' : ','
  return `{"_partition":${partition},"_offset":${offset},"_fetched_at":${timestamp}${comma}${fields}`
}

/**
 * The records of which the table has neither this version nor a newer one. Also those whose newest row is of the same
 * partition and either a deleted one after the record, or one before it. Deleting a key that no longer exists is fine.
 * GLOBAL: the table may be sharded, and each shard would read the records again.
 */
function statement({ from, keys, structure, version }: Shape, partition: number, records: readonly Hidden[]): string {
  const key = keys.join(', ')
  const text = records.map(({ line }) => line.replaceAll('\n', ' ')).join('\n')
  return `WITH headrace_log AS (
  SELECT ${key}, _offset AS headrace_offset, _deleted AS headrace_deleted, ${version} AS headrace_version
  FROM format(JSONEachRow, ${textLiteral(structure)}, ${textLiteral(text)})
)
SELECT log.headrace_offset AS o, toString(tuple(${keys.map((each) => `log.${each}`).join(', ')})) AS key,
  found.headrace_found AS found, found.headrace_at.1 AS p, found.headrace_at.2 AS at, found.headrace_at.3 AS deleted,
  found.headrace_found = 1 AND found.headrace_newest >= log.headrace_version AS newer,
  bitShiftRight(found.headrace_newest, 64) = bitShiftRight(log.headrace_version, 64) AS same
FROM headrace_log AS log LEFT JOIN (
  SELECT ${key}, 1 AS headrace_found, max(_version) AS headrace_newest,
    argMax((_partition, _offset, _deleted), _version) AS headrace_at
  FROM ${from} WHERE (${key}) GLOBAL IN (SELECT ${key} FROM headrace_log) GROUP BY ${key}
) AS found USING (${key})
WHERE (found.headrace_found = 0 AND log.headrace_deleted = 0)
  OR (found.headrace_found = 1 AND found.headrace_newest < log.headrace_version)
  OR (newer AND p = ${partition} AND ((deleted = 1 AND at > o) OR at < o))`
}
