/**
 * Unknown fields that become columns. The first value of a field decides the column's type. The schema with that column
 * is registered before a record with it is published. All partitions of a stream share the learned columns, and columns
 * of other workers are adopted. This never fails a run: a field that cannot be registered now stays in `_extra`, and is
 * retried later.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { HeadraceError } from '#shared/errors.ts'
import type { Log } from '#shared/log.ts'
import {
  LEARNED_COLUMNS_MAX,
  type LearnedType,
  learnedIn,
  learnedType,
  mayBeColumn,
  withColumns,
} from '#shared/schema/learned-columns.ts'
import type { Registry } from '#shared/schema/registry.ts'
import { shownName } from '#shared/shown.ts'
import { type Fields, typeName } from './drift.ts'
import type { ValidatedPage } from './validated-page.ts'

export type Learned = ReadonlyMap<string, LearnedType>

export type Columns = {
  /** The schema with all known columns. */
  schemaId(): number
  known(): Learned
  /** Learns from the drift of a page (path → type); true if there is a column that was not known before. */
  learn(drift: ReadonlyMap<string, string>): Promise<boolean>
}

export type ColumnsTools = { stream: Stream; registry: Registry; subject: string; log: Log; clock: Clock }

/** Another worker may have registered a column of its own in between. */
const ATTEMPTS_MAX = 4
/** After a refusal of the registry. */
const TRY_AGAIN_MS = 60_000

/** `schemaId`: the one that was registered when the stream was prepared. */
export async function createColumns(schemaId: number, tools: ColumnsTools): Promise<Columns> {
  const { stream, registry, subject, log, clock } = tools
  let current = schemaId
  let known = learnedIn((await registry.byId(schemaId))?.json ?? {})
  let notBeforeMs = 0
  let fullReported = false
  let turn: Promise<unknown> = Promise.resolve()

  function candidates(drift: ReadonlyMap<string, string>): Map<string, LearnedType> {
    const found = new Map<string, LearnedType>()
    for (const [path, jsonType] of drift) {
      const type = learnedType(jsonType)
      if (type !== null && !known.has(path) && mayBeColumn(path)) found.set(path, type)
    }
    return found
  }

  async function register(wanted: ReadonlyMap<string, LearnedType>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const latest = await registry.latest(subject)
        const { id } = await registry.register(subject, withColumns(latest?.json ?? stream.wireSchema, wanted))
        known = learnedIn((await registry.byId(id))?.json ?? {})
        current = id
        return
      } catch (error) {
        if (attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  async function learnNow(drift: ReadonlyMap<string, string>): Promise<boolean> {
    const wanted = candidates(drift)
    if (wanted.size === 0 || clock.elapsedMs() < notBeforeMs) return false
    if (known.size >= LEARNED_COLUMNS_MAX) return reportFull()
    const before = known
    try {
      await register(wanted)
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      notBeforeMs = clock.elapsedMs() + TRY_AGAIN_MS
      log.warn(
        { err: error, stream: stream.label, fields: [...wanted.keys()].map((path) => shownName(path)) },
        'new columns cannot be registered now; they stay in _extra',
      )
      return false
    }
    for (const [path, type] of known)
      if (!before.has(path))
        log.info({ stream: stream.label, path: shownName(path), type }, 'an unknown field becomes a column')
    return known.size > before.size
  }

  function reportFull(): false {
    if (!fullReported)
      log.warn(
        { stream: stream.label, columns: known.size },
        'no more unknown fields become columns; others stay in _extra',
      )
    fullReported = true
    return false
  }

  return {
    schemaId: () => current,
    known: () => known,
    learn(drift) {
      if (candidates(drift).size === 0) return Promise.resolve(false)
      // One at a time: the second of two partitions finds the columns of the first, and must still know that they are
      // new.
      const before = known
      const mine = turn.then(async () => (await learnNow(drift)) || known !== before)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}

/**
 * A page that shows new fields is validated once more when they have become columns. What was new about it is still
 * reported.
 */
export async function validateLearning(
  columns: Columns | null | undefined,
  validate: () => ValidatedPage,
): Promise<ValidatedPage> {
  const page = validate()
  // A page of which no record is valid may not be of this stream: its fields must not become columns for good.
  if (columns == null || page.records.length === 0 || !(await columns.learn(page.drift))) return page
  return { ...validate(), drift: page.drift, examples: page.examples ?? new Map() }
}

/** Whether a value of a JSON type fits a column; null is its absence. */
export const fitsColumn = (column: LearnedType | undefined, jsonType: string): boolean =>
  column !== undefined && (jsonType === 'null' || learnedType(jsonType) === column)

/**
 * Splits the unknown fields of one record into those with a learned column and the rest; null if there are none. A
 * value of another type than its column's belongs to the rest. Pure.
 */
export function intoColumns(extra: Fields | null, learned: Learned): { columns: Fields | null; rest: Fields | null } {
  if (extra === null || learned.size === 0) return { columns: null, rest: extra }
  const columns: Fields = {}
  const rest: Fields = Object.create(null)
  for (const [name, value] of Object.entries(extra)) {
    if (!fitsColumn(learned.get(name), typeName(value))) rest[name] = value
    else if (value !== null) columns[name] = value
  }
  return {
    columns: Object.keys(columns).length === 0 ? null : columns,
    rest: Object.keys(rest).length === 0 ? null : rest,
  }
}
