/**
 * `headrace options`: the options of the environment, from the declarations in shared/config/config.ts. Also writes the
 * README's table.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type OptionRow, optionRows } from '#shared/config/config.ts'
import { WrongUse } from '#shared/errors.ts'
import { print } from './service-process.ts'

const BEGIN = '<!-- options: begin -->'
const END = '<!-- options: end -->'

export function optionsCommand(options: { json?: boolean; markdown?: string }): number {
  const rows = optionRows()
  if (options.markdown !== undefined) writeTable(options.markdown, rows)
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

export function optionsTable(rows: readonly OptionRow[]): string {
  const body = rows.map(
    ({ name, byDefault, description }) =>
      `| \`${name}\` | ${byDefault === '' ? '' : `\`${byDefault}\``} | ${description} |`,
  )
  return ['| Option | Default | What it says |', '| --- | --- | --- |', ...body].join('\n')
}

function writeTable(file: string, rows: readonly OptionRow[]): void {
  const text = readFileSync(file, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin)
    throw new WrongUse('HR_NO_TABLE', `${file} has no place for the table of options`, {
      hint: `put ${BEGIN} and ${END} into it`,
    })
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n${optionsTable(rows)}\n${text.slice(end)}`)
}
