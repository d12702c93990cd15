/**
 * ClickHouse as a port for reading: connecting, quoting names and texts, and the settings that decide how a record's
 * text is read. What the loader writes is its own (`insert/writer.ts`, `table/tables.ts`). Results come whole or in
 * portions. A statement that ClickHouse refuses is a `QueryRefused` with its own message. A server that does not answer
 * is Unavailable.
 */

import { Agent as HttpsAgent } from 'node:https'
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import { HEADRACE } from './config/called-as.ts'
import type { Config } from './config/config.ts'
import { HeadraceError, messageOf, Unavailable } from './errors.ts'
import { CLICKHOUSE_TLS_OPTIONS, closedHints, tlsFaultOf } from './tls/explain.ts'
import type { Pems } from './tls/pems.ts'

/** An insert that takes longer counts as lost; it is sent again with its deduplication token. */
const REQUEST_DEADLINE_MS = 300_000
const CONNECTIONS_MAX = 32

/** `database`: where statements look for tables that they name without one. */
export function connectClickHouse(
  { url, user, password, tls }: Config['clickhouse'],
  database?: string,
): ClickHouseClient {
  return createClient({
    url,
    ...(database === undefined ? {} : { database }),
    username: user,
    password,
    request_timeout: REQUEST_DEADLINE_MS,
    max_open_connections: CONNECTIONS_MAX,
    compression: { request: false, response: false },
    log: { level: ClickHouseLogLevel.OFF },
    ...connectionOf(tls, { user, password }),
  })
}

/** With a certificate and no password, the certificate is the login. ClickHouse refuses both at once. */
function connectionOf(tls: Pems | undefined, { user, password }: { user: string; password: string }) {
  if (tls === undefined) return {}
  const http_agent = new HttpsAgent({ ...tls, keepAlive: true, maxSockets: CONNECTIONS_MAX })
  if (tls.cert === undefined || password !== '') return { http_agent }
  const http_headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-SSL-Certificate-Auth': 'on' }
  return { http_agent, http_headers, set_basic_auth_header: false }
}

/** A server that cannot be reached. `failure`: an error, or the code and text of one. */
export function clickHouseAway(
  config: Config['clickhouse'],
  failure: { code?: unknown; message: string },
): Unavailable {
  const at = `ClickHouse at ${hostOf(config)}`
  const fault = tlsFaultOf(failure, CLICKHOUSE_TLS_OPTIONS)
  if (fault !== null)
    return new Unavailable('HR_CLICKHOUSE', `no connection to ${at}: ${fault.message}`, { ...fault, cause: failure })
  return new Unavailable('HR_CLICKHOUSE', `${at} does not answer: ${failure.message}`, {
    hint: [
      'see CLICKHOUSE_URL (its HTTP port, 8123 by default) and whether ClickHouse runs',
      ...closedHints(failure, config.url, CLICKHOUSE_TLS_OPTIONS),
      `the local one starts with: ${HEADRACE} stack up`,
    ].join('; '),
    cause: failure,
  })
}

/**
 * Fixes how the text of a record is read, whatever the server's profile sets: no value is guessed, no error is skipped.
 */
export const RECORD_SETTINGS: ClickHouseSettings = {
  date_time_input_format: 'best_effort',
  input_format_null_as_default: 0,
  input_format_skip_unknown_fields: 0,
  input_format_allow_errors_num: '0',
  input_format_allow_errors_ratio: 0,
  input_format_defaults_for_omitted_fields: 1,
  input_format_json_read_objects_as_strings: 1,
  input_format_json_read_arrays_as_strings: 1,
  input_format_json_read_numbers_as_strings: 1,
  input_format_json_read_bools_as_strings: 1,
  input_format_json_read_bools_as_numbers: 0,
  // An object of the schema is a Tuple. An unknown element must be an error, not dropped. A missing element is an
  // optional one, as in a row.
  input_format_json_ignore_unknown_keys_in_named_tuple: 0,
  input_format_json_defaults_for_missing_elements_in_named_tuple: 1,
  // A text in a JSON column stays a text, even when it looks like a date or an instant.
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
  input_format_json_throw_on_bad_escape_sequence: 1,
  // One thread parses a body in order, so all rows before a named row are known to be readable. It takes a third less
  // memory, and on few cores the same time.
  input_format_parallel_parsing: 0,
}

/**
 * For tables over shards. A shard that does not answer is an error, not an empty shard. Reads go to the first replica
 * of each shard that answers, from whichever server the statement runs on, so they see what was written. Rows that
 * stayed on one server would be counted twice.
 */
export const SHARDS_SETTINGS: ClickHouseSettings = {
  skip_unavailable_shards: 0,
  load_balancing: 'in_order',
  prefer_localhost_replica: 0,
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}

export function textLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** ClickHouse answered, and refused the statement. */
export class QueryRefused extends HeadraceError {}

export type ClickHouse = {
  /** All rows of a result that is known to be small. */
  rows<T>(query: string, settings?: ClickHouseSettings): Promise<T[]>
  /** Streams the rows, so no result has to fit into memory. */
  portions<T>(query: string, settings?: ClickHouseSettings): AsyncGenerator<T[]>
  close(): Promise<void>
}

export function openClickHouse(config: Config['clickhouse'], database?: string): ClickHouse {
  const client = connectClickHouse(config, database)
  const over = config.sharded ? SHARDS_SETTINGS : {}
  const failed = (error: unknown): HeadraceError => {
    if (error instanceof ClickHouseError) {
      return new QueryRefused(
        'HR_CLICKHOUSE_REFUSED',
        `ClickHouse at ${hostOf(config)} refuses: ${error.type ?? error.code}: ${error.message}`,
        {
          ...hintFor(error.code, config),
          cause: error,
        },
      )
    }
    return clickHouseAway(config, { code: Object(error).code, message: messageOf(error) })
  }
  return {
    async rows<T>(query: string, settings: ClickHouseSettings = {}) {
      try {
        const clickhouse_settings = { wait_end_of_query: 1 as const, ...over, ...settings }
        const result = await client.query({ query, format: 'JSONEachRow', clickhouse_settings })
        return (await result.json()) as T[]
      } catch (error) {
        throw failed(error)
      }
    },
    async *portions<T>(query: string, settings: ClickHouseSettings = {}) {
      try {
        const result = await client.query({
          query,
          format: 'JSONEachRow',
          clickhouse_settings: { ...over, ...settings },
        })
        for await (const rows of result.stream<T>()) yield rows.map((row) => row.json<T>())
      } catch (error) {
        throw failed(error)
      }
    },
    close: () => client.close(),
  }
}

/** Unknown functions, columns and tables, and text that ClickHouse cannot parse. */
const MISTAKES = ['46', '47', '60', '62']
const UNKNOWN_TABLE = '60'
const UNKNOWN_DATABASE = '81'

/** A mistake in the statement has nothing to do with rights. */
function hintFor(code: string, { user, database }: Config['clickhouse']): { hint?: string } {
  if (code === UNKNOWN_TABLE) return { hint: `see the tables of ${database}: ${HEADRACE} query "SHOW TABLES"` }
  if (code === UNKNOWN_DATABASE) return { hint: `the loader creates it: ${HEADRACE} load` }
  if (MISTAKES.includes(code)) return {}
  return { hint: `user ${user} needs to read ${database} and system.tables, and to make temporary tables` }
}

const hostOf = ({ url }: Config['clickhouse']): string => new URL(url).host
