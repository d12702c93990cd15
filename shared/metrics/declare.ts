/**
 * Declares metrics in a registry, each with a help of three parts. The help text in /metrics and the table in
 * docs/metrics.md are made from the same parts.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { guardLabels } from './label-guard.ts'

/** One short sentence each. */
export type MetricHelp = {
  /** What the value is, with its unit. */
  counts: string
  /** When it rises, or when it changes. */
  rises: string
  /** What an operator does then. */
  remedy: string
}

export type MetricRow = MetricHelp & {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: readonly string[]
}

/** By source, stream and partition. */
export const PARTITION = ['source', 'stream', 'partition'] as const
/** Bounds of the buckets of a duration. */
export const DURATION_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export type DeclareMetric = ReturnType<typeof createDeclareMetric>

export function createDeclareMetric(registry: Registry) {
  const registers = [registry]
  const rows: MetricRow[] = []

  function textOf(type: MetricRow['type'], name: string, help: MetricHelp, labels: readonly string[]): string {
    rows.push({ name, type, labels, ...help })
    return `${help.counts} ${help.rises} ${help.remedy}`
  }

  return {
    /** In the order of declaration. */
    rows,
    /** `bounded`: the label whose values others can create without end. */
    counter<L extends string>(name: string, help: MetricHelp, labelNames: readonly L[], bounded?: NoInfer<L>) {
      const text = textOf('counter', name, help, labelNames)
      return guardLabels(new Counter({ name, help: text, labelNames, registers }), bounded)
    },
    gauge<L extends string>(name: string, help: MetricHelp, labelNames: readonly L[]) {
      return guardLabels(new Gauge({ name, help: textOf('gauge', name, help, labelNames), labelNames, registers }))
    },
    histogram<L extends string>(name: string, help: MetricHelp, labelNames: readonly L[], buckets: number[]) {
      const text = textOf('histogram', name, help, labelNames)
      return guardLabels(new Histogram({ name, help: text, labelNames, buckets, registers }))
    },
  }
}
