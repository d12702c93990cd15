/**
 * Writes the size of a page and a watermark position into their places of the request. Pure; returns a copy.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { streamMistake } from '#shared/declaration/mistakes/mistakes.ts'
import type { RequestPlace, SizeSpec } from '#shared/declaration/request-place.ts'
import { messageOf } from '#shared/errors.ts'
import type { PageRequest } from '../http/messages.ts'
import { withPlace } from '../http/with-place.ts'

export { withPlace } from '../http/with-place.ts'

export const withSize = (request: PageRequest, size: SizeSpec | number | undefined): PageRequest =>
  size === undefined || typeof size === 'number' ? request : withPlace(request, size, size.value)

/**
 * A watermark position as the request writes it. Numbers stay numbers in JSON, since APIs that take epoch milliseconds
 * in a body reject them as text. Throws DeclarationError if the body has no such place.
 */
export function withPosition(stream: Stream, request: PageRequest, place: RequestPlace, text: string): PageRequest {
  const form = stream.watermark?.form
  const isNumeric = form === 'epochMs' || form === 'epochSeconds' || stream.watermark?.kind === 'integer'
  const number = Number(text)
  try {
    return withPlace(request, place, isNumeric && Number.isSafeInteger(number) ? number : text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw streamMistake(stream, 'watermark.body', messageOf(error), 'point to a member of an object in body')
  }
}
