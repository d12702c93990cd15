/**
 * Finds fields that can be the watermark: the time of the last change of a record. Whether the API takes it as a
 * parameter is found by asking.
 */
import type { FieldType } from './type.ts'

export type WatermarkCandidate = { field: string; why: string }

const ORDERED: readonly string[] = [
  'z.iso.datetime({ offset: true })',
  'instant()',
  "instant({ zone: 'UTC' })",
  'epochSeconds()',
  'epochMs()',
]
/** Compared without case, `-` and `_`; from the surest. */
const NAMES: readonly RegExp[] = [
  /^(last)?(updated?|modified|changed|edited)(at|on|time|date|datetime|timestamp|ts|utc|ms)?$/,
  /^(date|time)(updated|modified|changed|lastupdated|lastmodified)$/,
  /(updated|modified|changed)(at|on|time|date|datetime|timestamp)?$/,
]

/** The surest first. */
export function watermarkCandidates(fields: readonly FieldType[], records: number): WatermarkCandidate[] {
  const usable = fields.filter(
    ({ type, nullable, optional }) => type.kind === 'scalar' && ORDERED.includes(type.code) && !nullable && !optional,
  )
  return NAMES.flatMap((pattern) => usable.filter(({ name }) => pattern.test(name.toLowerCase().replace(/[-_]/g, ''))))
    .filter((field, at, all) => all.indexOf(field) === at)
    .map(({ name, why }) => ({ field: name, why: `its name, and ${why} in ${records} records` }))
}

const SINCE_LIKE = /since|after|from|min|gte|greater|start/i
const CHANGE_LIKE = /updat|modif|chang|edit/i
const SINCE_DEFAULT = ['updated_since', 'since', 'updated_after', 'modified_since'] as const

/** Names of parameters that may take the watermark, the likeliest first; `described`: those of a description. */
export function sinceParams(described: readonly string[] | undefined): readonly string[] {
  if (described === undefined) return SINCE_DEFAULT
  const likely = described.filter((name) => SINCE_LIKE.test(name))
  return [...likely.filter((name) => CHANGE_LIKE.test(name)), ...likely.filter((name) => /^since$/i.test(name))]
}
