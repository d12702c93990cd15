/**
 * Guards the labels of a metric. Every value is escaped and cut. Of a label whose values others can create without end
 * (`bounded`), only the first `LABEL_VALUES_MAX` are kept apart.
 */
import { shownName } from '../shown.ts'

/**
 * Values of one label that others fill, for each combination of the other labels. A scrape and its reader hold every
 * one of them.
 */
export const LABEL_VALUES_MAX = 500
/** The value for everything beyond the limit. */
export const OTHER_VALUES = '(others)'

type Labels = Record<string, string | number | undefined>

/** The same metric, changed in place. */
export function guardLabels<M extends object>(metric: M, bounded?: string): M {
  const shown = createLabelGuard(bounded)
  for (const method of ['inc', 'dec', 'set', 'observe', 'labels', 'remove']) {
    const own: unknown = Reflect.get(metric, method)
    if (typeof own !== 'function') continue
    const guard = (given: unknown, ...rest: unknown[]): unknown =>
      Reflect.apply(own, metric, [
        typeof given === 'object' && given !== null ? shown(given as Labels) : given,
        ...rest,
      ])
    Reflect.set(metric, method, guard)
  }
  return metric
}

function createLabelGuard(bounded: string | undefined): (labels: Labels) => Labels {
  const valuesByOtherLabels = new Map<string, Set<string>>()
  return (labels) => {
    const shown: Labels = {}
    for (const [name, value] of Object.entries(labels))
      shown[name] = typeof value === 'string' ? shownName(value) : value
    const own = bounded === undefined ? undefined : shown[bounded]
    if (bounded === undefined || own === undefined) return shown
    const others = JSON.stringify({ ...shown, [bounded]: null })
    const values = valuesByOtherLabels.get(others) ?? new Set()
    valuesByOtherLabels.set(others, values)
    if (values.size < LABEL_VALUES_MAX) values.add(String(own))
    return values.has(String(own)) ? shown : { ...shown, [bounded]: OTHER_VALUES }
  }
}
