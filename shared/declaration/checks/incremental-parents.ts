/**
 * Checks of a parent that is read incrementally. A checkpoint has one position, so there is one such parent. Its
 * position must be comparable over all that it is read from.
 */
import { isInstant } from '../../watermark.ts'
import type { Watermarking } from '../compile-watermark.ts'
import type { DiscoverySpec } from '../discovery.ts'
import { isList, placedParents, placedParts } from '../discovery-parts.ts'
import type { Refuse } from '../mistakes/mistakes.ts'

export function checkIncremental(spec: DiscoverySpec, refuse: Refuse): void {
  const [first, second] = placedParents(spec).filter(({ parent }) => parent.incremental !== undefined)
  if (first === undefined) return
  if (second !== undefined) {
    throw refuse(
      `${second.field}.incremental`,
      `is a second one beside ${first.field}, and a checkpoint holds one position`,
      'take it away here: this parent is then read as a whole',
    )
  }
  if (spec.kind !== 'product') return
  // A new value of another part would be combined with changed parents only.
  const factors = placedParts(spec).filter(({ field }) => /^partitions\.of\[\d+\]$/.test(field))
  const other = factors.find(({ part, field }) => !first.field.startsWith(field) && !isList(part))
  if (other !== undefined) {
    throw refuse(
      `${first.field}.incremental`,
      `is in a product with ${other.field}, whose new values would miss the parents that have not changed`,
      'combine it with declared lists only, or take incremental away',
    )
  }
}

export type DeclaredParent = {
  name: string
  watermark: Pick<Watermarking, 'kind' | 'field'> | null
  discovery: DiscoverySpec | null
  partitions: Record<string, string | number | boolean>[]
}

/** `refuse`: of the part that names the parent. */
export function checkIncrementalParent(
  { name, watermark, discovery, partitions }: DeclaredParent,
  refuse: (field: string, what: string, hint: string) => Error,
): void {
  if (watermark === null) {
    throw refuse(
      'incremental',
      `${name} has no watermark, so nobody knows which of its records have changed`,
      `declare watermark of ${name}, or take incremental away`,
    )
  }
  if (isInstant(watermark.kind)) return
  const isOneWalk = discovery === null && partitions.length === 1
  if (watermark.kind === 'integer' && isOneWalk) return
  throw refuse(
    'incremental',
    `"${watermark.field}" of ${name} is not a timestamp`,
    'use a timestamp as its watermark, or an integer if it has one partition; or take incremental away',
  )
}
