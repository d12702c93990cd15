/** Names that start with _ are the loader's own: fields of records lose it, by a map that the declaration has. */
type Fields = Readonly<Record<string, unknown>>

export type Renaming = {
  rename(name: string): string
  /** The map of the declaration, as source text. */
  code: readonly string[]
}

/** Null where no field needs it. Where two fields would get one name, the renamed ones end with _. */
export function renamingOf(records: readonly Fields[]): Renaming | null {
  const names = new Set(records.flatMap((record) => Object.keys(record)))
  const own = [...names].filter((name) => name.startsWith('_'))
  if (own.length === 0) return null
  const bare = own.map((name) => name.replace(/^_+/, ''))
  const clashes = bare.some((name) => names.has(name)) || new Set(bare).size < bare.length
  const replacement = clashes ? '$1_' : '$1'
  return {
    rename: (name) => name.replace(PATTERN, replacement),
    code: [
      "// Names that start with _ are the loader's own.",
      'map: (raw) =>',
      '  Object.fromEntries(',
      `    Object.entries(raw as object).map(([name, value]) => [name.replace(/^_+(.*)$/, '${replacement}'), value]),`,
      '  ),',
    ],
  }
}

const PATTERN = /^_+(.*)$/

export const renamed = (record: Fields, renaming: Renaming | null): Fields =>
  renaming === null
    ? record
    : Object.fromEntries(Object.entries(record).map(([name, value]) => [renaming.rename(name), value]))
