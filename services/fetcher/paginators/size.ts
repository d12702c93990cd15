/** The parameter that sets a page's size, and when a page is the last one by its size. */
import { withParam } from '../client/query.ts'
import type { PageRequest } from '../client/send.ts'

type Size = { param: string; value: number }

export const withSize = (request: PageRequest, size: Size | undefined): PageRequest =>
  size === undefined ? request : { ...request, url: withParam(request.url, size.param, String(size.value)) }

/**
 * A page without records is the last. One that is not full is it once the API has shown a full page in this walk (`full`): an API that caps the size
 * in silence gives short pages only, and an end there would lose the rest.
 */
export const isShort = (records: number, size: number, full: boolean): boolean => records === 0 || (full && records < size)
