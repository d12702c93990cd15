/**
 * What the sample API serves: the 1,707 earthquakes of one real week (U.S. Geological Survey, public domain; from npm
 * `vega-datasets`), in the order (updated, id). All but a handful of damaged ones are exactly the original. Pages are
 * found by key, never by count, so they stay the same while later records are released.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Unavailable } from '#shared/errors.ts'
import { addCommand, localPackageDir, requireLocalPackages } from '#shared/installation.ts'
import { type Damage, damagePlaces, type Feature } from './damage.ts'

export const REGIONS = ['west', 'east'] as const
export type Region = (typeof REGIONS)[number]

/** A record with its true position in the order; `body` is what is sent. */
export type Entry = { updated: number; id: string; region: Region; damaged: boolean; body: unknown }

/** `firstPart` is the number of entries that are released first. */
export type Catalogue = { entries: readonly Entry[]; firstPart: number }

/** A page starts after this entry. */
export type Key = { updated: number; id: string }
export type PageQuery = { region: Region | null; since: number | null; after: Key | null; limit: number }

const WEST_OF_DEGREES = -120
const FIRST_PART_SHARE = 0.7

/** Throws Unavailable if the package with the data is not installed. */
export async function readCatalogue(damaged = true): Promise<Catalogue> {
  requireLocalPackages(['vega-datasets'], 'the sample API')
  let features: Feature[]
  try {
    const file = join(localPackageDir('vega-datasets') ?? '', 'data', 'earthquakes.json')
    features = (JSON.parse(await readFile(file, 'utf8')) as { features: Feature[] }).features
  } catch (error) {
    throw new Unavailable('HR_SAMPLE_DATA', 'the earthquakes of the sample API cannot be read', {
      hint: `install the package again: ${addCommand(['vega-datasets'])}`,
      cause: error,
    })
  }
  return catalogueOf(features, damaged)
}

export function catalogueOf(features: readonly Feature[], damaged = true): Catalogue {
  const ordered = features.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)))
  const damages = damaged ? damagePlaces(ordered.length) : new Map<number, Damage>()
  const entries = ordered.map((feature, index): Entry => {
    const damage = damages.get(index)
    return {
      ...keyOf(feature),
      region: regionOf(feature),
      damaged: damage !== undefined,
      body: damage?.apply(feature) ?? feature,
    }
  })
  return { entries, firstPart: Math.floor(entries.length * FIRST_PART_SHARE) }
}

/** The page that a query requests, and the key to continue from; null if there is no more. `since` is inclusive. */
export function pageOf(entries: readonly Entry[], query: PageQuery): { page: Entry[]; next: Key | null } {
  const { region, since, after, limit } = query
  const wanted = entries.filter(
    (entry) =>
      (region === null || entry.region === region) &&
      (since === null || entry.updated >= since) &&
      (after === null || compareKeys(entry, after) > 0),
  )
  const page = wanted.slice(0, limit)
  const last = page.at(-1)
  return { page, next: last === undefined || wanted.length <= limit ? null : { updated: last.updated, id: last.id } }
}

export function compareKeys(a: Key, b: Key): number {
  return a.updated - b.updated || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

const keyOf = (feature: Feature): Key => ({ updated: feature.properties.updated, id: feature.id })
const regionOf = (feature: Feature): Region => (feature.geometry.coordinates[0] < WEST_OF_DEGREES ? 'west' : 'east')
