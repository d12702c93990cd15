/**
 * Checks of the request as a whole: a body without a method, a place in a missing body or form, two values for one
 * place. Each check throws what `refuse` makes.
 */
import type { Refuse } from '../mistakes/mistakes.ts'
import { limitOf, offsetPlace, pageNumberPlace } from '../paginate/page-number-and-offset.ts'
import { type PaginateSpec, pagesOf } from '../paginate/paginate.ts'
import { isComputed } from '../request-functions.ts'
import { type NamedPlace, namedEnd, namedIn, PLACES, placesNamed } from '../request-place.ts'
import type { StreamSpec } from '../source-spec.ts'

export function checkRequest(spec: StreamSpec, refuse: Refuse): void {
  const { method, body, form, watermark, paginate } = spec
  const computed = isComputed(spec)
  const isPlaceless = watermark !== undefined && watermark.walk === undefined && placesNamed(watermark) === 0
  if (isPlaceless && !computed && paginate.kind !== 'generator')
    throw refuse(
      'watermark.param',
      `${ONE_PLACE} the watermark: ${PLACES}`,
      "add param: 'since', or a function of from; " +
        "for an API that cannot be asked: walk: 'newest-first' or 'everything'",
    )
  refuseUnsent(paginate, computed, refuse)
  for (const [field, given] of Object.entries({ body, form })) {
    if (given === undefined || method !== undefined) continue
    throw refuse(
      field,
      'a GET has no body, unless the declaration says so',
      "add method: 'POST'; or method: 'GET' if the API reads the body of a GET",
    )
  }
  if (body !== undefined && form !== undefined)
    throw refuse('form', 'the request has a JSON body already', 'declare body or form, not both')
  const ofWatermark = [...namedIn(watermark, 'watermark.'), ...namedEnd(watermark ?? {}, 'watermark.')]
  for (const place of ofWatermark) refuseMissingBody(place, spec, true, refuse)
  const ofPaging = pagingPlaces(spec.paginate)
  for (const place of ofPaging) refuseMissingBody(place, spec, false, refuse)
  refuseTwins([...fixedPlaces(spec), ...ofWatermark, ...ofPaging], refuse)
}

const ONE_PLACE = 'name the one place where the request takes'

/** What no place takes must be sent by a function of the request. */
function refuseUnsent(paginate: PaginateSpec, computed: boolean, refuse: Refuse): void {
  if (computed) return
  const pages = pagesOf(paginate)
  if (pages.kind === 'cursor' && placesNamed(pages) === 0)
    throw refuse(
      `${prefixOf(paginate)}param`,
      `name one place that takes the cursor: ${PLACES}`,
      "add param: 'cursor', or a function of cursor",
    )
  if (paginate.kind === 'windows' && paginate.to === undefined && paginate.toBody === undefined)
    throw refuse('paginate.to', `${ONE_PLACE} a window's end: to or toBody`, "add to: 'until', or a function of to")
}

/** `mayCreate`: a POST without a body gets one from a watermark that goes there. */
function refuseMissingBody(place: NamedPlace, spec: StreamSpec, mayCreate: boolean, refuse: Refuse): void {
  const { method, body, form } = spec
  if (place.kind === 'form' && form === undefined)
    throw refuse(place.field, 'there is no form to put it into', "add method: 'POST' and form: { … }")
  if (place.kind !== 'body' || body !== undefined) return
  if (form !== undefined)
    throw refuse(place.field, 'the request has a form and no JSON body', "name a field of the form: form: 'name'")
  if (!mayCreate)
    throw refuse(place.field, 'there is no JSON body to put it into', "add method: 'POST' and body: { … }")
  if (method === 'POST') return
  const other = place.field.endsWith('toBody') ? 'to' : 'param'
  throw refuse(place.field, 'a GET has no body', `use ${other}, or add method: 'POST'`)
}

function refuseTwins(places: readonly NamedPlace[], refuse: Refuse): void {
  const taken = new Map<string, string>()
  for (const { kind, name, field } of places) {
    const key = `${kind} ${kind === 'header' ? name.toLowerCase() : name}`
    const other = taken.get(key)
    if (other !== undefined) throw refuse(field, `"${name}" is also set by ${other}`, 'remove one of them')
    taken.set(key, field)
  }
}

/**
 * What the declaration itself sets. Members of a JSON body are not listed: a place there may be meant to replace one.
 * What a function returns is known only when it runs.
 */
function fixedPlaces({ params, headers, form, partitions }: StreamSpec): NamedPlace[] {
  const named = (kind: NamedPlace['kind'], given: unknown, field: string): NamedPlace[] =>
    typeof given === 'object' && given !== null ? Object.keys(given).map((name) => ({ kind, name, field })) : []
  const values = Array.isArray(partitions) ? Object.assign({}, ...partitions) : {}
  return [
    ...named('param', params, 'params'),
    ...named('param', values, 'partitions'),
    ...named('header', headers, 'headers'),
    ...named('form', form, 'form'),
  ]
}

const prefixOf = (paginate: PaginateSpec): string => (paginate.kind === 'windows' ? 'paginate.pages.' : 'paginate.')

/** Each place of the request that paging sets. */
export function pagingPlaces(paginate: PaginateSpec): NamedPlace[] {
  const pages = pagesOf(paginate)
  const at = prefixOf(paginate)
  const own = paginate.kind === 'windows' ? namedEnd(paginate, 'paginate.') : []
  const size = 'size' in pages && typeof pages.size === 'object' ? namedIn(pages.size, `${at}size.`) : []
  if (pages.kind === 'cursor') return [...own, ...namedIn(pages, at), ...size]
  if (pages.kind === 'page-number') return [...own, ...namedIn(pageNumberPlace(pages), at), ...size]
  if (pages.kind === 'keyset')
    return [...own, ...pages.keys.flatMap((key, index) => namedIn(key, `${at}keys[${index}].`)), ...size]
  if (pages.kind !== 'offset') return [...own, ...size]
  const limit = namedIn(limitOf(pages), `${at}limit.`)
  const named = typeof pages.limit === 'number' ? limit.map((place) => ({ ...place, field: `${at}limitParam` })) : limit
  return [...own, ...namedIn(offsetPlace(pages), at), ...named]
}
