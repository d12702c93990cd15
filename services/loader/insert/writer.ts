/**
 * Inserts lines of JSON into a table as one block: all or nothing. Over shards it is one block for each shard, and one
 * shard may have its rows when another fails. The retry then inserts the rest; rows that are there already are dropped
 * by their token or their version. An insert succeeded only if three things agree: the status, no exception in header
 * or body, and the count of rows written. Everything else is returned as a `Failure`, never thrown.
 */
import { Readable } from 'node:stream'
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client'
import { quoted, RECORD_SETTINGS } from '#shared/clickhouse.ts'
import type { Config } from '#shared/config/config.ts'
import { type Failure, failureOfStatus, failureOfText, failureOfTransport } from '../failures/classify-error.ts'
import type { Placement } from '../table/ddl.ts'
import { SHARDED_SETTINGS } from '../table/distributed.ts'
import type { Wanted } from '../table/server-check.ts'

export type Insert = {
  database: string
  table: string
  body: readonly Buffer[]
  rows: number
  /** The same for the same bytes, and for no others. */
  token: string
}

export type Writer = {
  insert(insert: Insert, signal: AbortSignal): Promise<Failure | null>
  /** Runs a statement that writes rows of its own, and returns how many. */
  run(statement: string, signal: AbortSignal): Promise<{ failure: Failure | null; rows: number }>
  /** Runs a query with one small row as its result; null when it failed. */
  ask(query: string, signal: AbortSignal): Promise<{ failure: Failure | null; row: Record<string, unknown> | null }>
}

const ANSWER_END_CHARS = 16 * 1024
const NO_ROW_CHARS = 200
const EXCEPTION_HEADER = 'x-clickhouse-exception-code'
/** No limit in bytes: a block is then bounded by its rows alone. */
const UNBOUNDED = '0'

/** Settings that fix what an insert means: no row is left for later. */
const MEANING: ClickHouseSettings = {
  ...RECORD_SETTINGS,
  async_insert: 0,
  // Rows of many partitions in one insert are slow, not wrong; the limit would be taken for overload.
  max_partitions_per_insert_block: '0',
  wait_end_of_query: 1,
  insert_deduplicate: 1,
}

/** One block whatever its size, since only a block is atomic. */
function oneBlock(rows: number): ClickHouseSettings {
  const more = String(rows + 1)
  return { max_insert_block_size: more, min_insert_block_size_rows: more, min_insert_block_size_bytes: UNBOUNDED }
}

/** Settings that the user's profile must leave to the loader; see `table/server-check.ts`. */
export const INSERT_NEEDS: Wanted = Object.fromEntries([
  ...Object.entries(MEANING)
    .filter(([name]) => name !== 'wait_end_of_query')
    .map(([name, value]) => [name, String(value)]),
  ...[...Object.keys(oneBlock(0)), 'insert_deduplication_token'].map((name) => [name, null]),
])

const SHARDED_NEEDS: Wanted = Object.fromEntries(
  Object.entries(SHARDED_SETTINGS).map(([name, value]) => [name, String(value)]),
)

export const insertNeeds = ({ sharded }: Pick<Placement, 'sharded'>): Wanted =>
  sharded === true ? { ...INSERT_NEEDS, ...SHARDED_NEEDS } : INSERT_NEEDS

export type Durability = Pick<Config['clickhouse'], 'cluster' | 'insertQuorum'> & Pick<Placement, 'sharded'>

/**
 * Without it, each server's status table would be read as an error text. A server that fails raises an exception either
 * way.
 */
const ON_CLUSTER: ClickHouseSettings = { distributed_ddl_output_mode: 'none' }

/** A single server has no replicas to wait for; each shard waits for its own. */
export function quorumOf({ cluster, insertQuorum }: Durability): ClickHouseSettings {
  return cluster === undefined || insertQuorum === undefined ? {} : { insert_quorum: insertQuorum }
}

export function createWriter(client: ClickHouseClient, durability: Durability): Writer {
  const quorum = quorumOf(durability)
  const sharded = durability.sharded === true ? SHARDED_SETTINGS : {}
  const onCluster = durability.cluster === undefined ? {} : ON_CLUSTER

  async function insert({ database, table, body, rows, token }: Insert, signal: AbortSignal): Promise<Failure | null> {
    try {
      const answer = await client.exec({
        query: `INSERT INTO ${quoted(database)}.${quoted(table)} FORMAT JSONEachRow`,
        values: Readable.from(body, { objectMode: false }),
        clickhouse_settings: {
          ...MEANING,
          ...oneBlock(rows),
          ...quorum,
          ...sharded,
          insert_deduplication_token: token,
        },
        abort_signal: signal,
        ignore_error_response: true,
      })
      const text = await textOf(answer.stream)
      return failureOf(answer, text) ?? shortfall(answer.summary?.written_rows, rows)
    } catch (error) {
      return failureOfTransport(error)
    }
  }

  async function run(statement: string, signal: AbortSignal): Promise<{ failure: Failure | null; rows: number }> {
    try {
      const answer = await client.exec({
        query: statement,
        clickhouse_settings: { wait_end_of_query: 1, ...sharded, ...onCluster },
        abort_signal: signal,
        ignore_error_response: true,
      })
      const failure = failureOf(answer, await textOf(answer.stream))
      return { failure, rows: failure === null ? Number(answer.summary?.written_rows ?? 0) : 0 }
    } catch (error) {
      return { failure: failureOfTransport(error), rows: 0 }
    }
  }

  async function ask(
    query: string,
    signal: AbortSignal,
  ): Promise<{ failure: Failure | null; row: Record<string, unknown> | null }> {
    try {
      const answer = await client.exec({
        query: `${query} FORMAT JSONEachRow`,
        clickhouse_settings: { wait_end_of_query: 1, ...sharded },
        abort_signal: signal,
        ignore_error_response: true,
      })
      const text = await textOf(answer.stream)
      const row = rowIn(text)
      return row === null
        ? { failure: failureOf(answer, text) ?? noRow(text), row }
        : { failure: failureOf(answer, ''), row }
    } catch (error) {
      return { failure: failureOfTransport(error), row: null }
    }
  }

  return { insert, run, ask }
}

function rowIn(text: string): Record<string, unknown> | null {
  try {
    const row: unknown = JSON.parse(text)
    return typeof row === 'object' ? (row as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

const noRow = (text: string): Failure => ({
  ...{ kind: 'ambiguous', code: null, name: 'NO_ANSWER', row: null },
  message: `the answer is not a row: ${text.slice(0, NO_ROW_CHARS)}`,
})

type Answer = { response_headers: Record<string, string | string[] | undefined>; http_status_code?: number | undefined }

/** Servers have returned 200 with an exception in a header, or in the body. */
function failureOf({ response_headers, http_status_code: status = 0 }: Answer, text: string): Failure | null {
  const header = response_headers[EXCEPTION_HEADER]
  if (header !== undefined || /Code: \d+\. DB::/.test(text))
    return failureOfText(text, header === undefined ? null : Number(header))
  return status >= 200 && status < 300 && text.trim() === '' ? null : failureOfStatus(status, text)
}

/**
 * Materialized views on the table increase the count, never reduce it, and their rows cannot be distinguished. So it is
 * ensured before sending that a record is not more than one row.
 */
function shortfall(written: string | undefined, rows: number): Failure | null {
  if (written !== undefined && Number(written) >= rows) return null
  const message = `the answer counts ${written ?? 'no'} rows written of ${rows}`
  return { kind: 'ambiguous', code: null, name: 'ROWS_UNCONFIRMED', message, row: null }
}

/**
 * Reads the whole response, so that a connection cut in the middle is noticed. Keeps its beginning and its end: between
 * the error text and the row number, ClickHouse may quote everything after the bad value.
 */
async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let head = ''
  let tail = ''
  for await (const piece of stream) {
    const text = String(piece)
    const fits = ANSWER_END_CHARS - head.length
    head += text.slice(0, fits)
    tail = (tail + text.slice(fits)).slice(-ANSWER_END_CHARS)
  }
  return head + tail
}
