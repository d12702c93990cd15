/**
 * `headrace options`: the options of the environment, from the declarations in shared/config/config.ts. Also writes the
 * table of docs/options.md.
 */
import { type OptionRow, optionRows } from '#shared/config/config.ts'
import { markdownTable, writeTable } from './markdown-table.ts'
import { print } from './service-process.ts'

export function optionsCommand(options: { json?: boolean; markdown?: string }): number {
  const rows = optionRows()
  if (options.markdown !== undefined) writeTable(options.markdown, 'options', optionsTable(rows))
  else
    print(
      options.json === true
        ? JSON.stringify(rows)
        : rows
            .map((row) => `${row.name}${row.byDefault === '' ? '' : ` = ${row.byDefault}`}\n    ${row.description}`)
            .join('\n'),
    )
  return 0
}

export const optionsTable = (rows: readonly OptionRow[]): string =>
  markdownTable(
    ['Option', 'Default', 'What it says'],
    rows.map(({ name, byDefault, description }) => [
      `\`${name}\``,
      byDefault === '' ? '' : `\`${byDefault}\``,
      description,
    ]),
  )
