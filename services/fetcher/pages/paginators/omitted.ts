/**
 * The end of a walk when the response omits the next cursor or URL. Many APIs omit it on the last page, but an error, a
 * renamed field or a damaged response looks the same. So the walk surely ends only if the page cannot be a full one, or
 * the place is optional.
 */
import type { PageStep, PageView } from './paginator.ts'

export function endWithout(what: string, isOptional: boolean, { records, longest, size }: PageView): PageStep {
  const { length } = records
  if (isOptional) return { cursor: null, unsaid: true }
  if (length === 0 || length < longest || (size !== null && length < size)) return { cursor: null }
  const why = `the answer has no ${what}, and its page of ${length} records may be a full one`
  const remedy = 'if the API omits it on the last page, declare optional(…) there, or the size of a page'
  return { cursor: null, incomplete: `${why}; ${remedy}` }
}
