/** One way from the API into ClickHouse, and the servers that all of them use. */
import type { ServerName } from '../../services/stack/stack.ts'
import type { Child } from '../child.ts'
import type { ClickHouse } from '../place.ts'
import type { RealisticStream } from '../realistic.ts'

export type Servers = {
  apiUrl: string
  clickhouse: ClickHouse
  clickhouseUrl: string
  clickhousePid: number
  /** Of its HTTP and native interfaces; both on 127.0.0.1. */
  ports: { http: number; tcp: number }
  close(): Promise<void>
}

export type Processes = {
  /** They end by themselves when their work is done. */
  jobs: readonly Child[]
  /** They run until they are stopped. */
  services: readonly Child[]
}

export type Side = {
  /** With its version. */
  name: string
  /** What a run of it needs beside ClickHouse. */
  beside: readonly ServerName[]
  /** Whether its tables hold older versions of a row until they are merged. */
  final: boolean
  /** The table of a list, in the database of a run. */
  table(list: RealisticStream, database: string): string
  /** Before the clock starts. */
  prepare(database: string): Promise<void>
  /** Everything is new: the processes, and all names in it. */
  start(database: string): Processes
}
/** A side that cannot be had on this machine, and why. */
export type Missing = { name: string; reason: string }
