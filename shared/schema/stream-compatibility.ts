/** What changed in a stream's own annotation: its key, table, watermark, deletes and partitions. Pure. */
import { canonical } from './canonical.ts'
import { type DeletesPolicy, isSameDeletes, type StreamAnnotation } from './json-schema.ts'

export type SchemaDifference = { path: string; change: string; additive: boolean }

export const streamDifferences = (before: StreamAnnotation, after: StreamAnnotation): SchemaDifference[] => [
  ...annotationDifferences(before, after),
  ...shareDifferences(before, after),
]

function annotationDifferences(a: StreamAnnotation, b: StreamAnnotation): SchemaDifference[] {
  const found: SchemaDifference[] = []
  const breaks = (path: string, change: string) => found.push({ path, change, additive: false })
  if (a.primaryKey.join() !== b.primaryKey.join()) {
    breaks(
      'primaryKey',
      `[${a.primaryKey.join(', ')}] → [${b.primaryKey.join(', ')}]: the identity of every row would change`,
    )
  }
  if (a.partitionBy !== b.partitionBy) {
    breaks(
      'partitionBy',
      `${a.partitionBy ?? 'none'} → ${b.partitionBy ?? 'none'}: a table keeps the partitions that it was made with`,
    )
  }
  if (a.table !== b.table) breaks('table', `${a.table} → ${b.table}`)
  if (canonical(a.watermark) !== canonical(b.watermark))
    breaks('watermark', `${watermarkWords(a)} → ${watermarkWords(b)}`)
  if (!isSameDeletes(a.deletes, b.deletes)) {
    found.push({ path: 'deletes', change: `${deletesWords(a.deletes)} → ${deletesWords(b.deletes)}`, additive: true })
  }
  return found
}

const deletesWords = (deletes: DeletesPolicy | undefined): string =>
  deletes === undefined
    ? 'none'
    : `${deletes.by}, shareMax ${deletes.shareMax}, rowsMin ${deletes.rowsMin}${deletes.allowAll ? ', allowAll' : ''}`

const watermarkWords = ({ watermark }: StreamAnnotation): string =>
  watermark === null ? 'none' : `${watermark.field} (${watermark.kind})`

const SHARES_SHOWN_MAX = 10

/** A watermark is never used for another scope, so every change is compatible; each is reported. */
function shareDifferences(a: StreamAnnotation, b: StreamAnnotation): SchemaDifference[] {
  const [was, is, path] = [a.shares, b.shares, 'partitions']
  if (was === undefined || is === undefined) return []
  if (canonical(was) === canonical(is)) {
    // A declared change that is not prepared yet says nothing about it.
    return b.startsFrom === undefined || canonical(a.startsFrom) === canonical(b.startsFrom)
      ? []
      : [{ path, change: 'begin anew', additive: true }]
  }
  const gone = was.filter((share) => !is.includes(share))
  const added = is.filter((share) => !was.includes(share))
  const words = [...gone.map((share) => `gone: ${share}`), ...added.map((share) => `new: ${share}`)]
  const more = words.length - SHARES_SHOWN_MAX
  const shown = [...words.slice(0, SHARES_SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])]
  return [
    { path, change: `${was.length} → ${is.length}`, additive: true },
    ...shown.map((change) => ({ path, change, additive: true })),
  ]
}
