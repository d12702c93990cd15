/**
 * Functions over one raw record: `filter`, `deleted` and `map`. They are pure. A function with a second parameter also
 * gets where the record comes from. For functions without one, nothing is made.
 */
import { z } from 'zod'
import { pointer } from './place.ts'

/**
 * Where a record comes from. A replay of dead letters has no page and no headers: reading them there rejects the record
 * again. What `map` needs of them even then, `envelope` copies into the record. `Page`: what the author expects.
 */
export type RecordContext<Page = unknown> = {
  /** The values of the partition, or of the slice that was discovered. */
  values: Readonly<Record<string, string | number | boolean>>
  /** The body of the page; null for a file that is read in chunks. */
  page: Page
  /** The headers of the page, by lower-case names. */
  headers: Readonly<Record<string, string>>
}

const EXPECTED = 'expected a function of one raw record'

export const recordFunction = z.custom<(raw: unknown, context: RecordContext) => unknown>(
  (value) => typeof value === 'function',
  EXPECTED,
)
export const recordPredicate = z.custom<(raw: unknown, context: RecordContext) => boolean>(
  (value) => typeof value === 'function',
  EXPECTED,
)
export const deletionMark = z.union(
  [pointer.min(1), recordPredicate],
  'expected a JSON pointer (RFC 6901) into the record such as /deleted, or a function of one raw record',
)

type RecordSpec = { filter?: unknown; deleted?: unknown; map?: unknown }

/** Whether a function has a second parameter. A parameter with a default does not count, nor does a rest parameter. */
export const takesContext = ({ filter, deleted, map }: RecordSpec): boolean =>
  [filter, deleted, map].some((each) => typeof each === 'function' && each.length > 1)
