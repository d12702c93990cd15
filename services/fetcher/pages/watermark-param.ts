/**
 * Writes a watermark position where the API takes it: into a parameter, or into the JSON body. Pure; returns a copy.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { DeclarationError, messageOf } from '#shared/errors.ts'
import { withValueAt } from '#shared/json-pointer.ts'
import type { PageRequest } from '../http/messages.ts'
import { withParam } from '../http/query.ts'

export type SincePlace = { param?: string | undefined; body?: string | undefined }

/** Throws DeclarationError if the body has no such place. */
export function withPosition(
  stream: Stream,
  request: PageRequest,
  { param, body }: SincePlace,
  text: string,
): PageRequest {
  const url = param === undefined ? request.url : withParam(request.url, param, text)
  return { ...request, url, body: body === undefined ? request.body : bodyWith(stream, request.body, body, text) }
}

/** Numbers stay numbers in JSON: APIs that take epoch milliseconds in a body reject them as text. */
function bodyWith(stream: Stream, body: unknown, pointer: string, text: string): unknown {
  const form = stream.watermark?.form
  const numeric = form === 'epochMs' || form === 'epochSeconds' || stream.watermark?.kind === 'integer'
  const number = Number(text)
  try {
    return withValueAt(body ?? {}, pointer, numeric && Number.isSafeInteger(number) ? number : text)
  } catch (error) {
    throw new DeclarationError(
      'HR_DECLARATION',
      `${stream.source.file}, stream ${stream.name}, field watermark.body: ${messageOf(error)}`,
      {
        hint: 'point to a member of an object in body',
      },
    )
  }
}
