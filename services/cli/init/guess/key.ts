/**
 * Guesses the fields that identify a record: present, not null and distinct in all records of the pages, and named like
 * an id. Distinct values alone are not enough: two pages of prices can be distinct too.
 */
import type { FieldType } from './type.ts'

type Fields = Readonly<Record<string, unknown>>

export type KeyGuess = {
  /** Null: no field is one; the key is a hash of the record. */
  fields: readonly string[] | null
  why: string
  /** What may be wrong with it. */
  doubt: string | null
}

const KEY_SCALARS: readonly string[] = ['z.string()', 'z.int()', 'z.uuid()', 'int64()', 'z.email()']
/** From the surest; `stream` is the name of the records in the singular. */
const namesOf = (stream: string): readonly RegExp[] => [
  /^id$/i,
  /^(uuid|guid|_id|gid|pk|objectid)$/i,
  new RegExp(`^${stream.replaceAll(/[-_]/g, '[-_]?')}[-_]?(id|uuid|key|number|no|code)$`, 'i'),
  /^(key|slug|code|sku|number|ref|reference|hash|sha|symbol|isin|handle|url)$/i,
  /(id|uuid|guid|key)$/i,
]
/** Behind this place in the list, a name alone is not enough. */
const SURE_NAMES = 3
const RECORDS_MIN = 20
const PART_NAME = /(id|uuid|key|code|date|day|month|year|line|position|index|locale|type)$/i
const PARTS_MAX = 8

/** `records`: of all pages. `pages`: how many. */
export function guessKey(
  records: readonly Fields[],
  fields: readonly FieldType[],
  { stream, pages }: { stream: string; pages: number },
): KeyGuess {
  const distinct = [...new Map(records.map((record) => [JSON.stringify(record), record])).values()]
  const usable = fields.filter(
    ({ type, nullable, optional }) =>
      type.kind === 'scalar' && KEY_SCALARS.includes(type.code) && !nullable && !optional,
  )
  const unique = usable.map(({ name }) => name).filter((name) => isUnique(distinct, [name]))
  const of = `in ${records.length} records of ${pages === 1 ? '1 page' : `${pages} pages`}`
  for (const [rank, pattern] of namesOf(singular(stream)).entries()) {
    const name = unique.find((each) => pattern.test(each))
    if (name === undefined || (rank >= SURE_NAMES && distinct.length < RECORDS_MIN)) continue
    const doubt = rank >= SURE_NAMES ? `"${name}" is not surely the id of a record` : null
    return { fields: [name], why: `distinct and never null ${of}`, doubt }
  }
  const pair = distinct.length < RECORDS_MIN ? null : uniquePair(distinct, usable)
  if (pair !== null)
    return { fields: pair, why: `distinct together ${of}`, doubt: 'no field alone is distinct and named like an id' }
  const near = unique.length === 0 ? 'no field is distinct' : `distinct, but not named like an id: ${some(unique)}`
  return {
    fields: null,
    why: `no id-like field is distinct and never null ${of}`,
    doubt: `${near}; with this key a changed record is a new row`,
  }
}

function uniquePair(records: readonly Fields[], usable: readonly FieldType[]): [string, string] | null {
  const names = usable
    .map(({ name }) => name)
    .filter((name) => PART_NAME.test(name))
    .slice(0, PARTS_MAX)
  for (const [at, one] of names.entries()) {
    for (const other of names.slice(at + 1)) if (isUnique(records, [one, other])) return [one, other]
  }
  return null
}

function isUnique(records: readonly Fields[], names: readonly string[]): boolean {
  const seen = new Set(records.map((record) => JSON.stringify(names.map((name) => record[name]))))
  return (
    records.length > 0 &&
    seen.size === records.length &&
    records.every((record) => names.every((name) => record[name] !== ''))
  )
}

const SHOWN_MAX = 5
const some = (names: readonly string[]): string =>
  names.length > SHOWN_MAX ? `${names.slice(0, SHOWN_MAX).join(', ')} …` : names.join(', ')

const singular = (name: string): string => name.replace(/ies$/, 'y').replace(/(?<=[^s])s$/, '')
