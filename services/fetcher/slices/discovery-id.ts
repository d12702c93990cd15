/**
 * Identifies how a stream finds its slices, in the checkpoint of a partition whose parents are read incrementally. With
 * another declaration, unchanged parents may have other slices, so all of them are read again. Functions count by their
 * text. Pure.
 */
import { hash } from 'node:crypto'
import type { Stream } from '#shared/declaration/compile.ts'
import { placedParents } from '#shared/declaration/discovery-parts.ts'

const ID_CHARS = 8

export function discoveryId({ discovery, source }: Pick<Stream, 'discovery' | 'source'>): string {
  const names = new Set(placedParents(discovery).map(({ parent }) => parent.stream))
  const parents = source.streams.filter(({ name }) => names.has(name)).map(factsOf)
  return hash('sha256', JSON.stringify({ discovery, parents }, asText), 'base64url').slice(0, ID_CHARS)
}

/** What decides which records a parent has, and where their position is. */
const factsOf = ({ path, params, body, form, envelope, filter, map, deleted, watermark, ...rest }: Stream) => ({
  ...{ path, params, body, form, envelope, filter, map, deleted },
  ...{ field: watermark?.field, kind: watermark?.kind, partitions: rest.partitions, discovery: rest.discovery },
})

const asText = (_: string, value: unknown): unknown =>
  typeof value === 'function' ? String(value) : typeof value === 'bigint' ? String(value) : value
