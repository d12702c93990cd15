/** What a value looks like, as far as a description says; and one shape for several. */

export type ScalarName = 'string' | 'integer' | 'number' | 'boolean'
export type ShapeField = { shape: ValueShape; required: boolean }
export type ValueShape = { nullable: boolean; description?: string } & (
  | { kind: 'any' }
  | { kind: 'scalar'; type: ScalarName; format?: string; values?: readonly (string | number | boolean)[] }
  | { kind: 'list' | 'map'; of: ValueShape }
  /** Without fields: any object. */
  | { kind: 'object'; fields: ReadonlyMap<string, ShapeField> }
  | { kind: 'union'; of: readonly ValueShape[] }
)
type Of<Kind extends ValueShape['kind']> = Extract<ValueShape, { kind: Kind }>

/** More alternatives than this say nothing that a column could hold. */
export const ALTERNATIVES_MAX = 4

export const ANY: ValueShape = { kind: 'any', nullable: true }

/**
 * Looser than each: objects become one with the fields of all, required only where every one requires it. Scalars of
 * different types stay apart.
 */
export function united(shapes: readonly ValueShape[]): ValueShape {
  const [first, ...rest] = shapes
  return first === undefined ? ANY : rest.reduce(unitedWith, first)
}

function unitedWith(a: ValueShape, b: ValueShape): ValueShape {
  const nullable = a.nullable || b.nullable
  const description = a.description ?? b.description
  const more = { nullable, ...(description === undefined ? {} : { description }) }
  if (a.kind === 'any' || b.kind === 'any') return { ...more, kind: 'any' }
  const alternatives: ValueShape[] = [...branches(a)]
  for (const branch of branches(b)) {
    const twin = alternatives.findIndex((each) => join(each, branch) !== null)
    const joined = twin === -1 ? null : join(alternatives[twin] as ValueShape, branch)
    if (joined === null) alternatives.push(branch)
    else alternatives[twin] = joined
  }
  const [only] = alternatives
  if (alternatives.length === 1 && only !== undefined) return { ...only, ...more }
  if (alternatives.length > ALTERNATIVES_MAX) return { ...more, kind: 'any' }
  return { ...more, kind: 'union', of: alternatives.map((each) => ({ ...each, nullable: false })) }
}

const branches = (shape: ValueShape): readonly ValueShape[] => (shape.kind === 'union' ? shape.of : [shape])

/** Null if the two stay apart. */
function join(a: ValueShape, b: ValueShape): ValueShape | null {
  const nullable = a.nullable || b.nullable
  if (a.kind === 'scalar' && b.kind === 'scalar') return joinScalars(a, b, nullable)
  if (a.kind === 'object' && b.kind === 'object') return { ...a, nullable, fields: joinFields(a, b, 'either') }
  if ((a.kind === 'list' && b.kind === 'list') || (a.kind === 'map' && b.kind === 'map'))
    return { ...a, nullable, of: unitedWith(a.of, b.of) }
  return null
}

function joinScalars(a: Of<'scalar'>, b: Of<'scalar'>, nullable: boolean): ValueShape | null {
  const isNumber = (type: string) => type === 'integer' || type === 'number'
  if (a.type !== b.type && !(isNumber(a.type) && isNumber(b.type))) return null
  const { values: _, format: __, ...rest } = a
  const values = a.values === undefined || b.values === undefined ? null : [...new Set([...a.values, ...b.values])]
  return {
    ...rest,
    nullable,
    type: a.type === b.type ? a.type : 'number',
    ...(a.format !== undefined && a.format === b.format ? { format: a.format } : {}),
    ...(values === null ? {} : { values }),
  }
}

/** `either`: a value is one of the two. `both`: it is both at once, as `allOf` says. */
function joinFields(a: Of<'object'>, b: Of<'object'>, how: 'either' | 'both'): Map<string, ShapeField> {
  const fields = new Map<string, ShapeField>()
  for (const name of new Set([...a.fields.keys(), ...b.fields.keys()])) {
    const [one, other] = [a.fields.get(name), b.fields.get(name)]
    const found = [one, other].filter((field) => field !== undefined)
    const required =
      how === 'both'
        ? found.some((field) => field.required)
        : found.length === 2 && found.every((field) => field.required)
    fields.set(name, { shape: united(found.map(({ shape }) => shape)), required })
  }
  return fields
}

/** What holds beside alternatives, together with them. */
export function together(base: ValueShape, alternative: ValueShape): ValueShape {
  const nullable = base.nullable || alternative.nullable
  if (base.kind === 'any') return { ...alternative, nullable: alternative.nullable }
  if (alternative.kind === 'any') return { ...base, nullable }
  if (base.kind === 'object' && alternative.kind === 'object')
    return { ...base, nullable, fields: joinFields(base, alternative, 'both') }
  return { ...base, nullable }
}
