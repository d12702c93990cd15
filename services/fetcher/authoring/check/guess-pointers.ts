/** Finds what a declaration does not point to: arrays of records in a response, and what looks like a next page. */
import { type JsonPlace, placesIn } from './walk-json.ts'

export type FoundArray = { pointer: string; length: number }

/** Arrays of objects, the longest first. */
export function arraysIn(body: unknown): FoundArray[] {
  return placesIn(body)
    .filter(({ value }) => Array.isArray(value) && value.some((each) => typeof each === 'object' && each !== null))
    .map(({ pointer, value }) => ({ pointer, length: (value as unknown[]).length }))
    .sort((a, b) => b.length - a.length)
}

const NEXT_NAMES = /next|continuation|page_?token|scroll_?id|end_?cursor/i

/**
 * Pointers to strings and numbers whose names suggest a next page. Names of an enclosing object count: `{ "next": {
 * "href": "…" } }`.
 */
export function nextPlacesIn(body: unknown): string[] {
  return placesIn(body)
    .filter(leadsOn)
    .map(({ pointer }) => pointer)
}

function leadsOn({ pointer, value }: JsonPlace): boolean {
  if (typeof value === 'number' ? value <= 0 : typeof value !== 'string' || value === '') return false
  return pointer
    .split('/')
    .slice(-2)
    .some((name) => NEXT_NAMES.test(name))
}
