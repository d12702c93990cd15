/**
 * `headrace metrics`: what each metric counts, when it rises and what to do then, from the declarations in
 * shared/metrics/. Also writes the table of docs/metrics.md.
 */
import type { MetricRow } from '#shared/metrics/declare.ts'
import { metricRows } from '#shared/metrics/metrics.ts'
import { markdownTable, writeTable } from './markdown-table.ts'
import { print } from './service-process.ts'

export function metricsCommand(options: { json?: boolean; markdown?: string }): number {
  const rows = metricRows()
  if (options.markdown !== undefined) writeTable(options.markdown, 'metrics', metricsTable(rows))
  else print(options.json === true ? JSON.stringify(rows) : rows.map(lines).join('\n'))
  return 0
}

const lines = ({ name, type, labels, counts, rises, remedy }: MetricRow): string =>
  [`${name} (${[type, ...labels].join(', ')})`, counts, rises, remedy].join('\n    ')

export const metricsTable = (rows: readonly MetricRow[]): string =>
  markdownTable(
    ['Metric', 'Labels', 'What it counts', 'When it rises', 'What to do'],
    rows.map(({ name, labels, counts, rises, remedy }) => [`\`${name}\``, labels.join(', '), counts, rises, remedy]),
  )
