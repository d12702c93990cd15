/** The values of a response outside its records, each with its JSON pointer (RFC 6901). Outer values come first. */

export type PointedPlace = { pointer: string; value: unknown }

const LEVELS_MAX = 4
const VALUES_MAX = 500

/** `apart`: the pointer of the records, which are not looked into; nor is any other array. */
export function pointedValues(body: unknown, apart: string): PointedPlace[] {
  const found: PointedPlace[] = [{ pointer: '', value: body }]
  for (let at = 0; at < found.length; at++) {
    const { pointer, value } = found[at] as PointedPlace
    const isInner = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isInner || (pointer === apart && pointer !== '') || pointer.split('/').length > LEVELS_MAX) continue
    for (const [name, inner] of Object.entries(value)) {
      if (found.length >= VALUES_MAX) return found
      found.push({ pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, value: inner })
    }
  }
  return found.slice(1)
}
