/**
 * The value sets of one record of a parent: what its function returns, or what its pointers lead to. A pointer through
 * a list gives one set for each element. Pure.
 */
import {
  listPointerOf,
  type ParentContext,
  type ParentPointers,
  type ParentValues,
  sliceValueName,
} from '#shared/declaration/parent.ts'
import { valueAt } from '#shared/json-pointer.ts'

type ParentFields = Readonly<Record<string, unknown>>
/** Not checked yet: an author's function may return anything. */
export type RawValues = { values: unknown; extra: ParentFields }
/** `missing`: a value is not there, so a field may have disappeared. */
export type RecordValues = { sets: readonly RawValues[]; missing: boolean }

export function valuesOfRecord(
  values: ParentValues,
  extra: ParentPointers | undefined,
  record: ParentFields,
  context: ParentContext,
): RecordValues {
  if (typeof values === 'function') {
    const found = values(record, context)
    if (found === undefined) return { sets: [], missing: true }
    if (found === null) return { sets: [], missing: false }
    const [more = {}] = extra === undefined ? [] : setsAt(record, extra, context).map(present)
    const list: readonly unknown[] = Array.isArray(found) ? found : [found]
    return { sets: list.map((each) => ({ values: each, extra: more })), missing: false }
  }
  const found = setsAt(record, { ...extra, ...values }, context)
  const complete = found.filter((set) => Object.keys(values).every((name) => isPresent(set[name])))
  const isMissing = found.some((set) => Object.keys(values).some((name) => set[name] === undefined))
  return {
    sets: complete.map((set) => ({
      values: Object.fromEntries(Object.keys(values).map((name) => [name, set[name]])),
      extra: present(Object.fromEntries(Object.keys(extra ?? {}).map((name) => [name, set[name]]))),
    })),
    missing: complete.length === 0 && isMissing,
  }
}

/** One set, or one for each element of the list that the pointers go through. Undefined: nothing is there. */
function setsAt(value: unknown, pointers: ParentPointers, { values }: ParentContext): ParentFields[] {
  const plain: Record<string, unknown> = {}
  const inner: Record<string, string> = {}
  let list: string | null = null
  for (const [name, pointer] of Object.entries(pointers)) {
    const through = listPointerOf(pointer)
    const own = sliceValueName(pointer)
    if (own !== null) plain[name] = Object.hasOwn(values, own) ? values[own] : undefined
    else if (through === null) plain[name] = valueAt(value, pointer)
    else {
      list = through.list
      inner[name] = through.element
    }
  }
  if (list === null) return [plain]
  const elements = valueAt(value, list)
  // Null is an empty list that the API says so; a list that is not there may have disappeared.
  if (elements === undefined) return [plain]
  if (!Array.isArray(elements)) return elements === null ? [] : [{ ...plain, ...asGiven(inner, elements) }]
  return elements.flatMap((element) => setsAt(element, inner, { values }).map((set) => ({ ...plain, ...set })))
}

/** Not a list: the check of the values names it. */
const asGiven = (pointers: ParentPointers, found: unknown): ParentFields =>
  Object.fromEntries(Object.keys(pointers).map((name) => [name, { notAList: typeof found }]))

const isPresent = (value: unknown): boolean => value !== undefined && value !== null

const present = (set: ParentFields): ParentFields =>
  Object.fromEntries(Object.entries(set).filter(([, value]) => isPresent(value)))
