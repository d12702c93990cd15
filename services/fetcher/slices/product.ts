/** Every combination of the value sets of several parts. Pure. */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import type { FoundValues } from './discovery-tools.ts'
import { wrongValues } from './wrong-values.ts'

/** Throws Stopped for more than `slicesMax`, before any is made, and for a value that two parts give. */
export function productOf(
  stream: Stream,
  parts: readonly (readonly FoundValues[])[],
  slicesMax: number,
): FoundValues[] {
  const count = parts.reduce((all, { length }) => all * length, 1)
  if (count > slicesMax) {
    throw new Stopped(
      'HR_PRODUCT_MAX',
      `${stream.label}: ${parts.map(({ length }) => length).join(' × ')} are ${count} slices, more than ${slicesMax}`,
      { hint: 'raise slicesMax in partitions, or let its parts find less' },
    )
  }
  return parts.reduce<FoundValues[]>(
    (all, part) => all.flatMap((before) => part.map((each) => joined(stream, before, each))),
    [{ values: {} }],
  )
}

function joined(stream: Stream, a: FoundValues, b: FoundValues): FoundValues {
  const [before, after] = [
    { ...a.extra, ...a.values },
    { ...b.extra, ...b.values },
  ]
  const twice = Object.keys(after).find((name) => Object.hasOwn(before, name))
  if (twice !== undefined)
    throw wrongValues(stream, `gives "${twice}" in two parts of a product`, 'give each value in one of them')
  const extra = { ...a.extra, ...b.extra }
  const changed = a.changed === undefined && b.changed === undefined ? {} : { changed: isChanged(a) && isChanged(b) }
  return {
    values: { ...a.values, ...b.values },
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
    ...changed,
  }
}

const isChanged = ({ changed }: FoundValues): boolean => changed !== false
