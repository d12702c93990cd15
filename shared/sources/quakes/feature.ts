/**
 * One earthquake, as the U.S. Geological Survey writes it (GeoJSON, RFC 7946) and as Headrace stores it: flat, typed,
 * null where the survey writes null. The survey's names are kept, except for a handful that mean nothing outside its
 * own documents. New fields are passed on under their own names, so they are reported as drift and kept. Nothing here
 * throws, whatever the API sends.
 */
import { column, epochMs, z } from 'headrace'

const word = () => column(z.string(), 'LowCardinality(String)')
const link = () => z.string().regex(/^https?:\/\//, 'expected a web address')

export const quake = z.object({
  id: z.string().min(1),
  magnitude: z.number().nullable(),
  magnitude_type: z.string().nullable(),
  place: z.string().nullable(),
  time: epochMs(),
  updated: epochMs(),
  longitude: z.number().min(-180).max(180),
  latitude: z.number().min(-90).max(90),
  depth_km: z.number().nullable(),
  /** Of the place, from UTC; the survey has stopped filling it in. */
  utc_offset_minutes: z.int().nullable(),
  event_type: word(),
  status: word(),
  /** 1 for a large event in an oceanic region; it does not say that there was a tsunami. */
  tsunami: column(z.int().min(0).max(1), 'UInt8'),
  /** 0 to about 1000: the survey's measure of how much the event matters. */
  significance: z.int(),
  alert: z.enum(['green', 'yellow', 'orange', 'red']).nullable(),
  felt_reports: z.int().nullable(),
  /** Intensity as people reported it, and as instruments give it. */
  cdi: z.number().nullable(),
  mmi: z.number().nullable(),
  stations: z.int().nullable(),
  /** Degrees to the nearest station. */
  dmin: z.number().nullable(),
  rms: z.number().nullable(),
  /** Largest angle between neighbouring stations, in degrees. */
  gap: z.number().nullable(),
  network: word(),
  code: z.string(),
  ids: z.string(),
  sources: z.string(),
  types: z.string(),
  title: z.string(),
  url: link(),
  detail: link(),
})

/** The survey's name → ours. */
const RENAMED = {
  mag: 'magnitude',
  magType: 'magnitude_type',
  tz: 'utc_offset_minutes',
  type: 'event_type',
  sig: 'significance',
  felt: 'felt_reports',
  nst: 'stations',
  net: 'network',
} as const

/**
 * GeoJSON feature → the flat record that `quake` describes, unchecked. Anything but an object is returned unchanged.
 */
export function quakeOf(raw: unknown): unknown {
  if (!isObject(raw)) return raw
  const { type: _, geometry, properties, ...rest } = raw
  const named = Object.entries(isObject(properties) ? properties : {}).map(
    ([name, value]) => [renamed(name), value] as const,
  )
  const [longitude, latitude, depth] =
    isObject(geometry) && Array.isArray(geometry.coordinates) ? geometry.coordinates : []
  return { ...Object.fromEntries(named), ...rest, longitude, latitude, depth_km: depth }
}

const renamed = (name: string): string => (Object.hasOwn(RENAMED, name) ? RENAMED[name as keyof typeof RENAMED] : name)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
