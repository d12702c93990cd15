import type { Stream } from '../../../shared/declaration.ts'
import type { PageRequest } from './send.ts'

/** `since` is the watermark as the request writes it (`requestText`), null for everything. Throws DeclarationError. Pure. */
export function firstRequest(_stream: Stream, _baseUrl: string, _partition: number, _since: string | null): PageRequest {
  throw new Error('not yet')
}
