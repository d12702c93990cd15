/**
 * The last record's key is the next cursor: `starting_after`, `max_id`, `since_id`. Records that are added or removed
 * meanwhile make no other record be missed.
 */
import { z } from 'zod'
import { type Given, place, pointer, totalOrNone } from '../place.ts'
import { PLACES, placeFields, placeIn, placesNamed, sizeSpec } from '../request-place.ts'

const keySpec = z
  .strictObject({
    /** Where a record holds the key, as the API sends it: `'/id'`. */
    field: pointer,
    ...placeFields,
  })
  .refine((spec) => placesNamed(spec) === 1, {
    error: `name one place that takes the key: ${PLACES}`,
    path: ['param'],
    params: { rule: true },
  })

export const keysetSpec = z
  .strictObject({
    kind: z.literal('keyset'),
    /** Several keys, each with its place: `[{ field: '/day', param: 'day' }, { field: '/id', param: 'after' }]`. */
    keys: z.array(keySpec).min(1),
    /**
     * Where the body says whether there is more: `'/has_more'`. Without it, the walk ends at an empty page, or at a
     * short one where the size is declared.
     */
    hasMore: place.optional(),
    /** Records of a full page and the place that requests them: `{ param: 'limit', value: 100 }`. */
    size: sizeSpec.optional(),
    /** Where the response says how many records the whole list has. A walk that ends short of it fails. */
    total: totalOrNone.optional(),
    /**
     * True if the API returns the record of the key again. Needed where several records can have one key: an exclusive
     * key would skip them. @default false
     */
    inclusive: z.boolean().default(false),
  })
  .refine((spec) => !spec.inclusive || spec.size !== undefined, {
    error: 'is missing: an inclusive key needs the number of records of a full page',
    path: ['size'],
    params: { rule: true },
  })
export type KeysetSpec = z.infer<typeof keysetSpec>

type Key = z.input<typeof keySpec>
type Rest = Omit<Given<typeof keysetSpec>, 'keys'>

/**
 * The last record's key asks for the next page, as in `?starting_after=ID`: `keyset({ field: '/id', param:
 * 'starting_after', hasMore: '/has_more' })`. For several keys: `keys: [{ field, param }, …]`.
 */
export function keyset(spec: (Key & { keys?: undefined } & Rest) | Given<typeof keysetSpec>) {
  if (spec.keys !== undefined) return { kind: 'keyset' as const, ...spec }
  const { field, param, header, body, form, keys: _, ...rest } = spec
  const key = { field, ...placeIn({ param, header, body, form }) }
  return { kind: 'keyset' as const, keys: [key], ...rest }
}
