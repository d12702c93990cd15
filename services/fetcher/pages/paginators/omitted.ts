/**
 * The end of a walk by a next cursor or URL that the answer omits. Many APIs omit it on the last page; an error, a
 * renamed field or a damaged answer looks the same. So it ends the walk for sure only where the page cannot be a full
 * one, or the place is optional.
 */
import type { PageStep, PageView } from './paginator.ts'

export function endWithout(what: string, isOptional: boolean, { records, longest, size }: PageView): PageStep {
  const { length } = records
  if (isOptional) return { cursor: null, unsaid: true }
  if (length === 0 || length < longest || (size !== null && length < size)) return { cursor: null }
  return {
    cursor: null,
    incomplete: `the answer has no ${what}, and its page of ${length} records may be a full one: if the API omits it on the last page, declare optional(…) there, or the size of a page`,
  }
}
