/**
 * Checks of discovered partitions. Their watermark must be an instant, since the slices of a partition share one
 * watermark. The parent streams that they name must exist and must not form a cycle.
 */
import { isInstant } from '../../watermark.ts'
import type { Watermarking } from '../compile-watermark.ts'
import type { DiscoverySpec } from '../discovery.ts'
import type { Refuse } from '../mistakes/mistakes.ts'
import type { StreamSpec } from '../source-spec.ts'

export function checkDiscovery(
  { partitions, deletes }: StreamSpec,
  watermark: Watermarking | null,
  refuse: Refuse,
): void {
  if (typeof partitions !== 'object' || Array.isArray(partitions)) return
  // The records of a slice that is missing for a while would be marked deleted. Being unchanged, they would not be
  // published again.
  if (deletes !== undefined) {
    throw refuse(
      'deletes',
      'with discovered partitions a full walk does not show what is deleted',
      'list the partitions, or remove deletes',
    )
  }
  if (watermark === null || isInstant(watermark.kind)) return
  throw refuse(
    'watermark.field',
    `"${watermark.field}" is not a timestamp: the slices of a partition share one watermark`,
    'use a timestamp (z.iso.datetime(), epochMs()), or no watermark',
  )
}

type Declared = { name: string; discovery: DiscoverySpec | null }
type Make = (stream: string, what: string, hint: string) => Error

export function checkParents(streams: readonly Declared[], mistake: Make): void {
  const byName = new Map(streams.map((stream) => [stream.name, stream]))
  for (const { name } of streams) {
    const path = [name]
    for (let at = parentOf(byName.get(name)); at !== null; at = parentOf(byName.get(at))) {
      if (!byName.has(at))
        throw mistake(
          path.at(-1) ?? name,
          `the source has no stream "${at}"`,
          `it has: ${[...byName.keys()].join(', ')}`,
        )
      const isCycle = path.includes(at)
      path.push(at)
      if (isCycle)
        throw mistake(
          name,
          `is its own parent: ${path.join(' → ')}`,
          'choose a stream that does not depend on this one',
        )
    }
  }
}

const parentOf = (stream: Declared | undefined): string | null =>
  stream?.discovery?.kind === 'parent' ? stream.discovery.stream : null
