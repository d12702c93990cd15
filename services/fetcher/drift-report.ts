/** Says each unknown field once in the log and counts it. Bounded: an API that puts ids into field names has no end of paths. */
import type { Stream } from '../../shared/declaration.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'

const PATHS_MAX = 500
/** Stands for all paths beyond the bound. */
const OTHERS = '(others)'

/** Takes a page's drift: path → type of the value. */
export function createDriftReport(stream: Stream, log: Log, metrics: Metrics): (drift: ReadonlyMap<string, string>) => void {
  const known = new Set<string>()
  return (drift) => {
    for (const [path, type] of drift) {
      const isNew = !known.has(path) && known.size < PATHS_MAX
      if (isNew) {
        known.add(path)
        const facts = { stream: stream.label, path, type, unknownFields: stream.unknownFields }
        log.warn(facts, 'the API sends a field that the schema does not know')
      }
      metrics.drift.inc({ source: stream.source.name, stream: stream.name, path: known.has(path) ? path : OTHERS })
    }
  }
}
