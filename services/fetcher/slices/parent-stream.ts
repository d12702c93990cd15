/**
 * The records of a parent stream, read by its own walk: every partition, from its start to its end, validated by its
 * own declaration. All or nothing: a walk that fails discovers no children, so none is taken for gone. Records that the
 * schema rejects are skipped and reported.
 */
import { systemPace } from '#shared/clock.ts'
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { valuesFor } from '#shared/declaration/slice-values.ts'
import { Stopped } from '#shared/errors.ts'
import { DELETED_FIELD } from '#shared/schema/json-schema.ts'
import { walkPages } from '../pages/walk-pages.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import { contextOf } from '../validate/envelope.ts'
import { createValidator } from '../validate/validate.ts'
import { validatePage } from '../validate/validate-page.ts'
import type { DiscoveryTools } from './discovery-tools.ts'
import type { ParentPosition } from './parent-position.ts'
import { streamOfSlice } from './slice.ts'

/**
 * `values`: of the slice or partition of the parent that the record belongs to. `isChanged`: since the position that
 * the parent is read from.
 */
export type ParentRecord = {
  record: Readonly<Record<string, unknown>>
  values: PartitionValues
  isChanged: boolean
}

/** `since`: the position to read from; null for all records. */
export type ParentReading = { since: string | null; position: ParentPosition }

/** As many as the partitions of a child could take, and far more than anyone would request one by one. */
export const PARENTS_MAX = 100_000

/** `stream`: the parent. Throws Stopped (HR_PARENTS_MAX), and the errors of a walk. */
export async function* parentRecords(
  tools: DiscoveryTools,
  { since, position }: ParentReading,
  stop: Stop,
): AsyncGenerator<ParentRecord> {
  const { stream, baseUrl, send, clock, log } = tools
  const validate = createValidator(stream)
  // A slice that is new may have old records, so those of discovered slices are all read and compared here.
  const from = stream.discovery === null ? since : null
  let records = 0
  let refused = 0
  for await (const { partition, asked } of slicesOf(tools, stop)) {
    const values = valuesFor(asked, partition)
    const walk = { stream: asked, partition, baseUrl, send, from, startedMs: clock.nowMs(), cursor: null, stop }
    for await (const page of walkPages(walk)) {
      const context = contextOf(asked, partition, page.response)
      const { page: validated } = await validatePage(page.records, {
        validate: (raws) => validate(raws, context),
        fresh(slice) {
          refused += slice.rejected.length
          return { records: [], rejected: [], unchanged: 0, refused: 0 }
        },
        refuse: () => undefined,
        pace: systemPace,
        signal: stop.hard,
      })
      position.see(page, validated.records)
      for (const valid of validated.records) {
        const record = JSON.parse(valid.payload) as ParentRecord['record']
        if (record[DELETED_FIELD] === 1) continue
        records += 1
        if (records > PARENTS_MAX) throw tooMany(stream)
        yield { record, values, isChanged: position.isChanged(valid) }
      }
    }
  }
  if (refused > 0)
    log.warn({ parent: stream.label, refused }, 'parent records do not fit their schema; their slices are missing')
}

async function* slicesOf(
  { stream, discoveryOf }: DiscoveryTools,
  stop: Stop,
): AsyncGenerator<{ partition: number; asked: Stream }> {
  if (stream.discovery === null) {
    for (const partition of stream.partitions.keys()) yield { partition, asked: stream }
    return
  }
  const { slices } = await discoveryOf(stream).find(stop)
  for (const [partition, own] of slices.entries())
    for (const slice of own) yield { partition, asked: streamOfSlice(stream, partition, slice) }
}

const tooMany = (stream: Stream): Stopped =>
  new Stopped('HR_PARENTS_MAX', `${stream.label}: more than ${PARENTS_MAX} parents`, {
    hint: 'list or discover the values that matter, instead of taking every record of the parent',
  })
