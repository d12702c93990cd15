/** `headrace query SQL`: the rows of a statement that only reads, in the database of the tables. */
import { openClickHouse } from '#shared/clickhouse.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { asJson, outputWidth, print } from './output.ts'
import { counted, table } from './table-output.ts'

const ROWS_SHOWN_MAX = 1_000
/** The statement may read, and set settings of its own. */
const READ_ONLY = '2'

export async function queryCommand(sql: string, options: { json?: boolean }): Promise<number> {
  const config = readConfig(environment, ['clickhouse'])
  const clickhouse = openClickHouse(config.clickhouse, config.clickhouse.database)
  try {
    const rows = await clickhouse.rows<Record<string, unknown>>(sql, {
      readonly: READ_ONLY,
      max_result_rows: String(ROWS_SHOWN_MAX),
      result_overflow_mode: 'break',
    })
    print(options.json === true ? asJson({ rows }) : describe(rows))
    return 0
  } finally {
    await clickhouse.close()
  }
}

function describe(rows: readonly Record<string, unknown>[]): string {
  const [first] = rows
  if (first === undefined) return 'No rows.'
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const cells = rows.slice(0, ROWS_SHOWN_MAX).map((row) => Object.values(row).map(text))
  const more = rows.length < ROWS_SHOWN_MAX ? '' : ', perhaps more'
  return [table(cells, Object.keys(first), outputWidth()), `${counted(rows.length, 'row')}${more}`].join('\n')
}
