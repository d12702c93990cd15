/** Every place of a JSON value outside arrays, with its pointer (RFC 6901). Bounded: a response can be anything. */

export type JsonPlace = { pointer: string; value: unknown }

const DEPTH_MAX = 4
const PLACES_MAX = 500

/** Breadth first, so that the outer places are found in any response. */
export function placesIn(body: unknown): JsonPlace[] {
  const places: JsonPlace[] = [{ pointer: '', value: body }]
  for (let at = 0; at < places.length; at++) {
    const { pointer, value } = places[at] as JsonPlace
    if (typeof value !== 'object' || value === null || Array.isArray(value) || pointer.split('/').length > DEPTH_MAX)
      continue
    for (const [name, inner] of Object.entries(value)) {
      if (places.length >= PLACES_MAX) return places
      places.push({ pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, value: inner })
    }
  }
  return places
}
