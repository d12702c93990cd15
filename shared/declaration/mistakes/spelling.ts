/** Which known name did a person mean? Case, dashes and underscores are ignored, and two typos are allowed. */

const SLIPS_MAX = 2
/** Longer names are not compared: a difference in them is not a typo. */
const NAME_CHARS_MAX = 64

export function closest(given: string, known: readonly string[]): string | null {
  if (given.length > NAME_CHARS_MAX) return null
  const plain = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '')
  const scored = known
    .map((name) => ({ name, slips: slipsBetween(plain(given), plain(name)) }))
    .sort((a, b) => a.slips - b.slips)
  const best = scored[0]
  return best !== undefined && best.slips <= Math.min(SLIPS_MAX, best.name.length / 2) ? best.name : null
}

/** Letters to add, remove or change (Levenshtein). */
export function slipsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
