/** What a declaration has beyond paging and watermark, as a case with capabilities draws it. */

/** The body of a good answer. `function`: JSON after a prefix that only the author's own decoder knows. */
export type Decoding = 'json' | 'lenient-json' | 'jsonl' | 'csv' | 'xml' | 'function'

export type Capabilities = {
  /** The key is a hash of all declared fields, or of `id` alone. */
  keyless: 'record' | 'id' | null
  walk: 'newest-first' | 'everything' | null
  /** Where the request takes everything that paging and the watermark send. */
  places: 'param' | 'header' | 'body' | 'form'
  /** Of a request with a body. */
  method: 'GET' | 'POST'
  /** A function writes the watermark, the end of a window and an opaque cursor. */
  computed: boolean
  modifiedSince: boolean
  /** A function that writes the watermark: minutes, days or microseconds; a letter before what is not an instant. */
  as: 'minute' | 'day' | 'micros' | 'prefixed' | null
  decode: Decoding
  gzip: boolean
  /** Records of a chunk; null for a file that is read whole. */
  chunk: number | null
  /** The API names the version of its file. */
  etag: boolean
  /** Some records are in their page twice. */
  twins: boolean
  /** The request sets the size of a page that ends at a cursor. */
  sized: boolean
}
