/**
 * Says each unknown field once in the log and counts it, and says when an optional field comes no more (a required one that is missing makes
 * dead letters). Bounded: an API that puts ids into field names has no end of paths.
 */
import type { Stream } from '../../shared/declaration.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import { shownName } from '../../shared/shown.ts'
import { type Judged, type Misfit, optionalFields } from './judge.ts'

/** Log lines of a partition; the metric has a bound of its own. */
const PATHS_MAX = 500
/** A run of fewer records does not show that a field is gone. */
const GONE_RECORDS_MIN = 20

export type DriftReport = {
  page(judged: Pick<Judged, 'drift' | 'examples' | 'misfits' | 'absent' | 'records'>): void
  /** The run has come to its last page. */
  runDone(): void
}

/** Of one partition, over all its runs in this process. */
export function createDriftReport(stream: Stream, log: Log, metrics: Metrics): DriftReport {
  const labels = { source: stream.source.name, stream: stream.name }
  const optional = optionalFields(stream)
  const known = new Set<string>()
  const misfits = new Set<string>()
  const had = new Set<string>()
  const gone = new Set<string>()
  let run = { records: 0, absent: new Set(optional) }

  function sayUnknown(name: string, type: string, example: string | undefined): void {
    const path = shownName(name)
    metrics.drift.inc({ ...labels, path })
    if (!known.has(path) && known.size < PATHS_MAX) {
      known.add(path)
      log.warn({ path, type, example, unknownFields: stream.unknownFields }, 'the API sends a field that the schema does not know')
    }
  }

  /** No incident: the value is kept in `_extra`. Bounded, since columns are. */
  function sayMisfit(path: string, { column, type }: Misfit): void {
    const id = `${path} ${type}`
    if (!misfits.has(id))
      log.info({ path, column, type }, `a value does not fit the learned column "${path}" (${column}); it stays in _extra`)
    misfits.add(id)
    metrics.columnMisfits.inc({ ...labels, path })
  }

  return {
    page({ drift, examples, misfits: found = new Map(), absent, records }) {
      for (const [path, misfit] of found) sayMisfit(path, misfit)
      for (const [path, type] of drift) sayUnknown(path, type, examples?.get(path))
      run.records += records.length
      for (const name of optional) {
        if (absent.has(name)) continue
        run.absent.delete(name)
        had.add(name)
        gone.delete(name)
      }
    },
    runDone() {
      for (const name of run.records < GONE_RECORDS_MIN ? [] : run.absent) {
        if (!had.has(name) || gone.has(name)) continue
        gone.add(name)
        log.warn({ path: name, records: run.records }, 'the API no longer sends a field that it sent before')
      }
      run = { records: 0, absent: new Set(optional) }
    },
  }
}
