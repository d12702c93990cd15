/**
 * The demo's ClickHouse queries. Also removes what an earlier demo left, so that each one begins with an empty table.
 */
import { createClient } from '@clickhouse/client'
import type { Config } from '#shared/config/config.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { type Names, tableName } from '#shared/names.ts'

export type Warehouse = {
  table: string
  rows<T>(query: string): Promise<T[]>
  run(query: string): Promise<void>
  exists(table: string): Promise<boolean>
  /** Null while there is no table yet. */
  count(): Promise<number | null>
  close(): Promise<void>
}

export function openWarehouse(config: Config): Warehouse {
  const { url, user, password, database } = config.clickhouse
  const client = createClient({ url, username: user, password })
  const table = `${database}.${tableName({ source: 'quakes', stream: 'earthquakes' })}`
  const rows = async <T>(query: string): Promise<T[]> => {
    const answer = await client.query({
      query,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    })
    return answer.json<T>()
  }
  const exists = async (name: string) => (await rows<{ result: number }>(`EXISTS TABLE ${name}`))[0]?.result === 1
  return {
    table,
    rows,
    run: async (query) => void (await client.command({ query })),
    async count() {
      if (!(await exists(table))) return null
      const [counted] = await rows<{ n: number }>(`SELECT count() AS n FROM ${table} FINAL`)
      return counted?.n ?? 0
    },
    exists,
    close: () => client.close(),
  }
}

/** Deletes topics, their offsets, table and ledger rows of the sample stream. */
export async function forgetLastDemo(kafka: Kafka, warehouse: Warehouse, names: Names, topic: string): Promise<void> {
  for (const each of [topic, names.deadLetters(topic)]) {
    if ((await kafka.partitions(each)) === 0) continue
    await forgetOffsets(kafka, names, each)
    await kafka.deleteTopic(each)
  }
  const database = warehouse.table.split('.')[0]
  await warehouse.run(`CREATE DATABASE IF NOT EXISTS ${database}`)
  await warehouse.run(`DROP TABLE IF EXISTS ${warehouse.table} SYNC`)
  const ledger = `${database}.headrace_pages`
  if (await warehouse.exists(ledger)) await warehouse.run(`DELETE FROM ${ledger} WHERE topic = '${topic}'`)
}

/**
 * A broker drops the offsets of a deleted topic only for groups whose coordinator is loaded at that moment. Just after
 * a start it may not be. The watermark of the last demo would then be the start of this one. Until then it does not
 * list the group either, so those that are sure to exist are named: reading their offsets waits for the coordinator.
 */
async function forgetOffsets(kafka: Kafka, names: Names, topic: string): Promise<void> {
  const named = [
    names.fetcherGroup,
    names.loaderGroup,
    names.attemptsGroup,
    names.stallsGroup,
    names.lettersLedgerGroup,
  ]
  for (const group of new Set([...named, ...(await kafka.groups(names.groups))])) {
    const committed = [...(await kafka.committed(group, topic)).entries()].filter(([, commit]) => commit !== null)
    await kafka.resetOffsets(group, topic, new Map(committed.map(([partition]) => [partition, 0])))
  }
}
