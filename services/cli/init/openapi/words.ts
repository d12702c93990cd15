/** Names without case and punctuation: `next_cursor`, `nextCursor` and `$next-cursor` are alike. */

export const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Whether a name is one of those listed, which are bare and have blanks between them. */
export function oneOf(...lists: readonly string[]): (name: string) => boolean {
  const known = new Set(lists.flatMap((list) => list.split(' ')))
  return (name) => known.has(bare(name))
}
