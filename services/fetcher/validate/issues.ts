/** Texts that say why a record was rejected, short enough for a header of its dead letter. */

import type { z } from 'zod'
import { ISSUES_CHARS_MAX } from '#shared/messages/frame.ts'
import { cutText } from '#shared/shown.ts'

const ISSUES_MAX = 8

export const issuesText = (error: z.ZodError): string =>
  listText(
    error.issues.map((issue) => `${issue.path.map(String).join('.') || '(record)'}: ${issue.message}`),
    '; ',
  )

export function listText(texts: readonly string[], separator: string): string {
  const more = texts.length - ISSUES_MAX
  return texts.slice(0, ISSUES_MAX).join(separator) + (more > 0 ? `${separator}and ${more} more` : '')
}

/** Well-formed, so that the header's bytes give the same text: names of fields can hold halves of surrogate pairs. */
export const shortened = (text: string): string => cutText(text, ISSUES_CHARS_MAX).toWellFormed()
