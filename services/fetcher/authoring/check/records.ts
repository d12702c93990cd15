/** The steps over the records of the pages seen: do they fit the schema, and are they in the declared order? */
import type { Stream } from '#shared/declaration/compile.ts'
import { exportJobOf } from '#shared/declaration/paginate/paginate.ts'
import type { Stopped } from '#shared/errors.ts'
import { isAscending } from '#shared/watermark.ts'
import type { PageResponse } from '../../http/messages.ts'
import { contextOf } from '../../validate/envelope.ts'
import { RAW_INVALID } from '../../validate/raw-record.ts'
import { createValidator } from '../../validate/validate.ts'
import type { RejectedRecord, ValidatedPage, ValidRecord } from '../../validate/validated-page.ts'
import type { DryRun } from '../dry-run.ts'
import { equalKeysIn, recordKeyParts, recordKeyText } from '../record-key-parts.ts'
import { isEnvelope, recordsIn } from './pages.ts'
import { type CheckStep, failed, ok, skipped } from './step.ts'

export type SampledRecords = {
  fit: ValidRecord[]
  rejected: RejectedRecord[]
  drift: Map<string, string>
  absent: string[]
  leftOut: number
  /** Why a run would stop at the envelope of a page. */
  noEnvelope: Stopped | null
}

/** Of every response, also one that the walk could not continue from; of a generator, of every page. */
export function sampleRecords({ stream, answers, pages }: DryRun): SampledRecords {
  const validate = createValidator(stream)
  let noEnvelope: Stopped | null = null
  const ofAnswer = (answer: PageResponse): ValidatedPage[] => {
    try {
      return [validate(recordsIn(stream, answer) ?? [], contextOf(stream, 0, answer), stream.partitions[0])]
    } catch (error) {
      if (!isEnvelope(error)) throw error
      noEnvelope ??= error
      return []
    }
  }
  const validated =
    stream.paginate.kind === 'generator' || exportJobOf(stream.paginate) !== null
      ? pages.map((page) => page.validated)
      : answers.flatMap(ofAnswer)
  return {
    noEnvelope,
    fit: validated.flatMap(({ records }) => records),
    rejected: validated.flatMap(({ rejected }) => rejected),
    drift: new Map(validated.flatMap(({ drift }) => [...drift])),
    absent: [...(validated[0]?.absent ?? [])].filter((name) =>
      validated.every(({ absent, records }) => records.length === 0 || absent.has(name)),
    ),
    leftOut: validated.reduce((sum, each) => sum + each.omitted, 0),
  }
}

const DRIFT_SHOWN_MAX = 10
const REMEDY = 'correct the schema, or reshape records with map'

export function schemaStep(
  stream: Stream,
  { fit, rejected, drift, absent, leftOut, noEnvelope }: SampledRecords,
): CheckStep {
  if (noEnvelope !== null) return failed('schema', noEnvelope.message, noEnvelope.hint)
  const all = fit.length + rejected.length
  if (all === 0) {
    const why = leftOut > 0 ? `filter or map skips all ${leftOut} records` : 'there are no records to check'
    return skipped('schema', why)
  }
  const says = `${fit.length} of ${all} records fit`
  const [first] = rejected
  const letters =
    first === undefined ? [] : [`${rejected.length} would become dead letters, the first: ${first.issues}`]
  if (rejected.length / all > stream.rejectedShareMax) {
    return failed(
      'schema',
      `${says}; a run would stop`,
      `${first?.reason === RAW_INVALID ? 'correct raw' : REMEDY}; the first failure: ${first?.issues}`,
    )
  }
  const fields = [...drift].slice(0, DRIFT_SHOWN_MAX).map(([path, type]) => `${path} (${type})`)
  const more = drift.size > fields.length ? `, and ${drift.size - fields.length} more` : ''
  const unknown =
    fields.length === 0
      ? []
      : [`not in the schema: ${fields.join(', ')}${more}; unknownFields: '${stream.unknownFields}'`]
  const missing = fit.length === 0 || absent.length === 0 ? [] : [`no record has ${absent.join(', ')}`]
  const key = recordKeyParts(stream, 0)
  const keyed = key === null ? [] : [recordKeyText(key), ...equalKeysIn(fit)]
  return ok('schema', says, [...letters, ...unknown, ...missing, ...keyed])
}

/** `counted`: the API names its pages by a counter, which `sorted` alone does not make safer. */
export function orderStep({ watermark }: Stream, { fit }: SampledRecords, counted: boolean): CheckStep {
  const positions = fit.flatMap(({ position }) => (position === null ? [] : [position]))
  if (watermark === null) return skipped('order', 'no watermark is declared')
  if (positions.length < 2) return skipped('order', 'there are fewer than two records to compare')
  const ordered = isAscending(positions)
  if (watermark.sorted && !ordered) {
    const advice =
      'remove sorted, or request that order in params; otherwise the watermark would pass records not yet read'
    return failed('order', `sorted is declared, but the records are not in the order of ${watermark.field}`, advice)
  }
  if (watermark.sorted) return ok('order', `by ${watermark.field}, on the pages seen`)
  if (!ordered || isAscending(positions.toReversed())) return skipped('order', 'sorted is not declared')
  if (counted) return ok('order', `sorted is not declared; the pages seen are in the order of ${watermark.field}`)
  const note = 'if the API promises that order, sorted: true lets the watermark move page by page'
  return ok('order', `sorted is not declared, but the pages seen are in the order of ${watermark.field}`, [note])
}
