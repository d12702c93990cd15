/**
 * The few records that the sample API damages on purpose, as real APIs do by accident. Each is damaged in its own way,
 * always the same ones. They lie away from the end of each part, so a later run does not meet a mostly damaged page.
 * The server still knows each one's true position.
 */
export type Feature = {
  type: 'Feature'
  id: string
  properties: { time: number; updated: number; [name: string]: unknown }
  geometry: { type: string; coordinates: [number, number, number] }
}

export type Damage = { name: string; apply(feature: Feature): unknown }

const withProperties = (feature: Feature, changed: Record<string, unknown>) => ({
  ...feature,
  properties: { ...feature.properties, ...changed },
})

/** In the order in which they appear in the data; the first five are in the first part. */
export const DAMAGES: readonly Damage[] = [
  { name: 'magnitude as text', apply: (feature) => withProperties(feature, { mag: '3.1?' }) },
  {
    name: 'updated missing',
    apply: (feature) => {
      const { updated: _, ...properties } = feature.properties
      return { ...feature, properties }
    },
  },
  {
    name: 'coordinates null',
    apply: (feature) => ({ ...feature, geometry: { ...feature.geometry, coordinates: null } }),
  },
  { name: 'id empty', apply: (feature) => ({ ...feature, id: '' }) },
  {
    name: 'time as text',
    apply: (feature) => withProperties(feature, { time: new Date(feature.properties.time).toISOString() }),
  },
  {
    name: 'latitude beyond the pole',
    apply: (feature) => {
      const [longitude, , depth] = feature.geometry.coordinates
      return { ...feature, geometry: { ...feature.geometry, coordinates: [longitude, 134.5, depth] } }
    },
  },
  { name: 'alert of an unknown colour', apply: (feature) => withProperties(feature, { alert: 'purple' }) },
]

/** Their positions in the order, as fractions of all records. */
const PLACES = [0.09, 0.21, 0.33, 0.45, 0.57, 0.8, 0.9] as const

/** Index in the order → damage. */
export function damagePlaces(total: number): ReadonlyMap<number, Damage> {
  return new Map(DAMAGES.map((damage, index) => [Math.floor(total * (PLACES[index] ?? 0)), damage]))
}
