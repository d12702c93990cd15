/**
 * Reports each unknown field once in the log and counts it, and reports an optional field that the API no longer sends.
 * A required field that is missing makes dead letters instead. Fields that the declaration keeps or drops are expected:
 * one info line for a run of the stream names the new ones. Bounded: an API that puts ids into field names has an
 * unlimited number of paths.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { shownName } from '#shared/shown.ts'
import type { ReportedFields } from './reported-fields.ts'
import { optionalFields } from './validate.ts'
import type { Misfit, ValidatedPage } from './validated-page.ts'

/** Names that are remembered for a stream; the metric has a bound of its own. */
const PATHS_MAX = 500
/** A run of fewer records does not show that a field is gone. */
const GONE_RECORDS_MIN = 20

/** Names in one line of the log; all are counted. */
const NAMES_SHOWN_MAX = 50

/** The unknown fields of one stream, over all its partitions in this process. */
export type DriftNames = {
  /** Before the first page: loads the names that were logged before this process began. */
  ready(): Promise<void>
  see(path: string, type: string, example: string | undefined): void
  /** A value does not fit its learned column. */
  seeMisfit(path: string, misfit: Misfit): void
  /** Logged before this process began. */
  known(paths: readonly string[]): void
  /** Logs the new names. */
  report(): void
}

/** `reported`: the names that survive the process. */
export function createDriftNames(
  stream: Stream,
  log: Log,
  metrics: Metrics,
  reported: ReportedFields = REPORTED_NOTHING,
): DriftNames {
  const labels = { source: stream.source.name, stream: stream.name }
  const known = new Set<string>()
  const misfits = new Set<string>()
  let fresh: string[] = []
  let freshNames: string[] = []
  const remember = (name: string): boolean => {
    const path = shownName(name)
    if (known.has(path) || known.size >= PATHS_MAX) return false
    known.add(path)
    return true
  }
  // Fields of rejected records need attention, so each process logs them.
  const wasReported = (name: string): boolean => stream.unknownFields !== 'reject' && reported.has(name)

  return {
    ready: reported.ready,
    see(path, type, example) {
      if (remember(path) && !wasReported(path)) {
        fresh.push(`${shownName(path)}: ${type}${example === undefined ? '' : `, ${example}`}`)
        freshNames.push(path)
      }
      metrics.drift.inc({ ...labels, path: shownName(path) })
    },
    /** This is expected: the value is kept in `_extra`. Bounded, since columns are. */
    seeMisfit(path, { column, type }) {
      const id = `${path} ${type}`
      if (!misfits.has(id) && !wasReported(id)) {
        freshNames.push(id)
        log.info(
          { path, column, type },
          `a value does not fit the learned column "${path}" (${column}); it stays in _extra`,
        )
      }
      misfits.add(id)
      metrics.columnMisfits.inc({ ...labels, path })
    },
    known(paths) {
      for (const path of paths) remember(path)
    },
    report() {
      reported.add(freshNames)
      freshNames = []
      if (fresh.length === 0) return
      const fields = fresh.slice(0, NAMES_SHOWN_MAX)
      const more = fresh.length - fields.length
      const { unknownFields } = stream
      const facts = { stream: stream.label, unknownFields, fields, ...(more > 0 ? { more } : {}) }
      const message = `the API sends fields that the schema does not declare; unknownFields: '${unknownFields}'`
      if (unknownFields === 'reject') log.warn(facts, message)
      else log.info(facts, message)
      fresh = []
    },
  }
}

const REPORTED_NOTHING: ReportedFields = { ready: async () => undefined, has: () => false, add: () => undefined }

export type DriftReport = {
  page(page: Pick<ValidatedPage, 'drift' | 'examples' | 'misfits' | 'absent' | 'records'>): void
  /** The run has come to its last page. */
  runDone(): void
  /** The run has ended, in any way. */
  runEnded(): void
}

/** For one partition, over all its runs in this process. */
export function createDriftReport(stream: Stream, log: Log, names: DriftNames): DriftReport {
  const optional = optionalFields(stream)
  const had = new Set<string>()
  const gone = new Set<string>()
  let run = { records: 0, absent: new Set(optional) }

  return {
    page({ drift, examples, misfits = new Map(), absent, records }) {
      for (const [path, misfit] of misfits) names.seeMisfit(path, misfit)
      for (const [path, type] of drift) names.see(path, type, examples?.get(path))
      run.records += records.length
      for (const name of optional) {
        if (absent.has(name)) continue
        run.absent.delete(name)
        had.add(name)
        gone.delete(name)
      }
    },
    runEnded: names.report,
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
