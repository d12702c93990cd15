/**
 * Detects an API that goes in circles: it returns a cursor again, or a page with the same records under another cursor.
 * Such a walk would never end, or would never reach its tail. It compares all pages of the walk, not only the last one.
 * In a walk by time windows it compares all pages of a window, and the first pages of all windows. Windows that share
 * the records of their boundary may share a page, and a window that has ended has no cycle.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { digest } from '../deduplicate/digest.ts'
import { rawText } from '../validate/deep-json.ts'
import type { Cursor, PageStep } from './paginators/paginator-for.ts'

export type LoopGuard = (number: number, records: readonly unknown[], step: PageStep) => void

/**
 * `from`: the cursor that the walk resumes from, null for the first page. The guard throws Stopped (HR_REPEATED_PAGE).
 */
export function createLoopGuard(stream: Stream, from: Cursor | null): LoopGuard {
  /** Digest → number of the page that it was seen on; 0 is the page where an interrupted run stopped. */
  const cursors = new Map([[digest(rawText(from)), 0]])
  const firstContents = new Map<string, number>()
  let contents = new Map<string, number>()

  function refuseContent(number: number, records: readonly unknown[], repeats: boolean): void {
    if (records.length === 0) return
    const content = digest([String(records.length), rawText(records[0]), rawText(records.at(-1))].join('\n'))
    const begins = contents.size === 0
    const earlier = contents.get(content) ?? (begins ? firstContents.get(content) : undefined)
    if (earlier !== undefined && !repeats)
      throw repetition(stream, `page ${number} has the same records as page ${earlier}`)
    contents.set(content, earlier ?? number)
    if (begins) firstContents.set(content, earlier ?? number)
  }

  function refuseCursor(number: number, next: Cursor | null): void {
    if (next === null) return
    const key = digest(rawText(next))
    const earlier = cursors.get(key)
    if (earlier !== undefined) {
      const what = earlier === 0 ? 'the page that the run resumed from' : `the same next page as page ${earlier}`
      throw repetition(stream, `page ${number} names ${what}: a cycle`)
    }
    cursors.set(key, number)
  }

  return (number, records, step) => {
    refuseContent(number, records, step.repeats === 'all')
    if (step.walkedTo !== undefined) contents = new Map()
    refuseCursor(number, step.cursor)
  }
}

const repetition = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_REPEATED_PAGE', `${stream.label}: ${what}`, {
    hint: 'check that the cursor is sent where the API expects it',
  })
