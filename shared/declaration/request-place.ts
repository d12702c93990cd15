/**
 * A place of the request that takes a value: a query parameter, a header, a pointer into the JSON body or a form field.
 * A declaration names exactly one, the same way everywhere. Where an object has room for one place only, its four names
 * are fields of that object. A second place is a field of its own: the text of a parameter, or a place.
 */
import { z } from 'zod'
import { headerMistake } from './headers.ts'
import { countGiven, pointer } from './place.ts'

const headerName = z
  .string()
  .refine((name) => headerMistake(name) === null, 'expected the name of a header that a declaration may set')

/** For an object that has room for one place. */
export const placeFields = {
  /** The query parameter that takes the value, such as `'cursor'` or `'since'`. */
  param: z.string().optional(),
  /** Or the header that takes it: `'X-After'`. */
  header: headerName.optional(),
  /** Or a JSON pointer into the body of the request: `'/page/after'`. */
  body: pointer.optional(),
  /** Or the field of the form that takes it: `'after'`. */
  form: z.string().min(1).optional(),
}

export type RequestPlace = {
  param?: string | undefined
  header?: string | undefined
  body?: string | undefined
  form?: string | undefined
}

export const placesNamed = ({ param, header, body, form }: RequestPlace): number =>
  countGiven(param, header, body, form)

export const PLACES = 'param, header, body or form'

/** A field that is a place: `to: 'until'` names a parameter, `to: { form: 'until' }` any other place. */
const ONE_PLACE = `expected the name of a parameter, or one place: { ${PLACES}: '…' }`
export const placeOrParam = z.union(
  [z.string(), z.strictObject(placeFields).refine((place) => placesNamed(place) === 1, ONE_PLACE)],
  ONE_PLACE,
)
export type PlaceOrParam = z.infer<typeof placeOrParam>

/** The declared place without undefined fields; null if none is named. `body`: where it has a field of its own. */
export function placeIn(given: PlaceOrParam | undefined, ownBody?: string | undefined): RequestPlace | null {
  if (typeof given === 'string') return { param: given }
  const { param, header, body = ownBody, form } = given ?? {}
  if (param !== undefined) return { param }
  if (header !== undefined) return { header }
  if (form !== undefined) return { form }
  return body === undefined ? null : { body }
}

/** One value and the place that sets it: the size of a page. The API must support it: not above its own maximum. */
export const sizeSpec = z
  .strictObject({
    ...placeFields,
    /** Records of a full page: at most what the API allows. */
    value: z.int().min(1),
  })
  .refine((spec) => placesNamed(spec) === 1, {
    error: `name the one place that sets the size: ${PLACES}`,
    path: ['param'],
    params: { rule: true },
  })
export type SizeSpec = z.infer<typeof sizeSpec>

/** A place with the field of the declaration that names it. */
export type NamedPlace = { kind: keyof RequestPlace; name: string; field: string }

/** The places that an object names. `prefix`: of its fields, with the point. */
export function namedIn(place: RequestPlace | undefined, prefix: string): NamedPlace[] {
  const kinds = ['param', 'header', 'body', 'form'] as const
  return kinds.flatMap((kind) => {
    const name = place?.[kind]
    return name === undefined ? [] : [{ kind, name, field: `${prefix}${kind}` }]
  })
}

/** The same for a field that is a place, `to` and its older spelling `toBody`. */
export function namedEnd(given: { to?: PlaceOrParam | undefined; toBody?: string | undefined }, at: string) {
  const { to, toBody } = given
  const own: NamedPlace[] = toBody === undefined ? [] : [{ kind: 'body', name: toBody, field: `${at}toBody` }]
  if (typeof to === 'string') return [{ kind: 'param' as const, name: to, field: `${at}to` }, ...own]
  return [...namedIn(to, `${at}to.`), ...own]
}
