/**
 * `?offset=500&limit=500`. The walk moves on by what came, less the overlap, and ends at an empty page, or at a short one once the API has shown
 * a full one: an API that caps the limit in silence gives short pages only, and an end there would lose the rest.
 * Records that move between pages while the walk goes on can be missed where they move by more than the overlap.
 */
import type { Stream } from '../../../shared/declaration.ts'
import type { OffsetSpec } from '../../../shared/declare/paginate.ts'
import { DeclarationError } from '../../../shared/errors.ts'
import { withParam } from '../client/query.ts'
import type { PageRequest } from '../client/send.ts'
import { unclear } from './answer.ts'
import type { Cursor, Paginator } from './contract.ts'

/** `full`: a page of the whole limit was seen in this walk. */
type OffsetCursor = { offset: number; full: boolean }

export function offsetPaginator(spec: OffsetSpec, stream: Stream): Paginator {
  if (spec.overlap >= spec.limit) {
    throw new DeclarationError(
      'HR_DECLARATION',
      `${stream.source.file}, stream ${stream.name}, field paginate.overlap: must be below limit`,
      {
        hint: `each page moves on by limit - overlap records: ${spec.limit} - ${spec.overlap}`,
      },
    )
  }
  const ask = (request: PageRequest, offset: number): PageRequest => ({
    ...request,
    url: withParam(withParam(request.url, spec.limitParam, String(spec.limit)), spec.param, String(offset)),
  })
  return {
    first: (request) => ask(request, spec.first),
    next({ records }, cursor) {
      const at = cursor === null ? { offset: spec.first, full: false } : cursorOf(stream, cursor)
      const full = at.full || records >= spec.limit
      if (records === 0 || (full && records < spec.limit)) return null
      if (records > spec.overlap) return { offset: at.offset + records - spec.overlap, full }
      // Nothing but the overlap: the end, unless the walk has just begun.
      return cursor === null ? { offset: at.offset + records, full } : null
    },
    at: (first, cursor) => ask(first, cursorOf(stream, cursor).offset),
  }
}

function cursorOf(stream: Stream, cursor: Cursor): OffsetCursor {
  const { offset, full } = typeof cursor === 'object' && cursor !== null ? (cursor as Partial<OffsetCursor>) : {}
  if (typeof offset !== 'number') throw unclear(stream, 'the stored cursor is no offset: paginate was changed while a run was going on')
  return { offset, full: full === true }
}
