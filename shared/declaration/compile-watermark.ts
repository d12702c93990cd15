/**
 * From the declared watermark to the one that runs: its kind follows from the field's type, its form in the request
 * from the kind. What could not be requested exactly (an earlier text, a duration of a sequence) is refused here.
 */
import type { z } from 'zod'
import { longestMs, type Step } from '../calendar.ts'
import { propertyKind } from '../schema/json-schema.ts'
import {
  isInstant,
  naturalForm,
  type Position,
  type WatermarkForm,
  type WatermarkKind,
  writtenPosition,
} from '../watermark.ts'
import { instantReader, isRepeating } from './instant-field.ts'
import type { Refuse } from './mistakes/mistakes.ts'
import { ownForm } from './own-form.ts'
import { isComputed } from './request-functions.ts'
import { placeIn, type RequestPlace } from './request-place.ts'
import { disorderIn, takesAnything } from './sortable-text.ts'
import type { StreamSpec, WatermarkSpec } from './source-spec.ts'

type Compiled = 'as' | 'start' | 'lookback' | 'param' | 'header' | 'body' | 'form' | 'to' | 'toBody'

export type Watermarking = Omit<WatermarkSpec, Compiled> & {
  /** Where the request takes it; no place if a function of the request does. */
  place: RequestPlace
  /** Where the request takes an end; null if the API supports none. */
  endPlace: RequestPlace | null
  kind: WatermarkKind
  form: WatermarkForm
  /** How a raw value of the field is read, where its type takes other forms than the kind. */
  read?: (value: unknown) => unknown
  /** A step of time for instants, units for integers. */
  lookback: Step
  start: Position | null
}

/** Throws what `refuse` makes. */
export function compileWatermark(spec: StreamSpec, watermark: WatermarkSpec, refuse: Refuse): Watermarking {
  const { schema } = spec
  const { as: _, start, lookback, param, header, body, form, to, toBody, ...rest } = watermark
  const kind = orderedKind(schema, watermark, kindOf(schema, watermark.field, refuse), refuse)
  refuseWrongForm(watermark, kind, refuse)
  const reader = instantReader(schema.shape[watermark.field])
  if (reader !== null && isRepeating(reader))
    throw refuse(
      'watermark.field',
      `"${watermark.field}" has times of ${reader.zone?.name}, whose clocks change: an hour of them comes twice`,
      'ask the API for times in UTC or with an offset, or take a field that only grows',
    )
  refuseWrongEnd(watermark, kind, refuse)
  const from = start === undefined ? null : writtenPosition(kind, start)
  if (start !== undefined && from === null) {
    const orTime = isInstant(kind) ? ', or as a time: 2026-01-31T00:00:00Z' : ''
    throw refuse(
      'watermark.start',
      `"${start}" is not a value of "${watermark.field}"`,
      `write it as the field itself is written${orTime}`,
    )
  }
  return {
    ...rest,
    place: placeIn({ param, header, body, form }) ?? {},
    endPlace: placeIn(to, toBody) ?? (isComputed(spec) ? {} : null),
    kind,
    form: formOf(watermark, kind, refuse),
    lookback: lookback.ms ?? lookback.units,
    start: from,
    ...(reader === null ? {} : { read: reader.read }),
  }
}

function formOf({ as, zone, header }: WatermarkSpec, kind: WatermarkKind, refuse: Refuse): WatermarkForm {
  if (typeof as === 'function') return ownForm(as, kind, refuse)
  return as ?? (isInstant(kind) && isConditional(header) ? 'httpDate' : naturalForm(kind, zone !== undefined))
}

/** The header by which HTTP itself requests changes; 304 then says that there are none (RFC 9110, section 13.1.3). */
export const isConditional = (header: string | undefined): boolean => header?.toLowerCase() === 'if-modified-since'

function kindOf(schema: z.ZodObject, field: string, refuse: Refuse): WatermarkKind {
  const property = propertyKind(schema, field)
  if (property === null) {
    throw refuse(
      'watermark.field',
      `"${field}" is not a field of the schema`,
      `the schema has: ${Object.keys(schema.shape).join(', ')}`,
    )
  }
  if (property.optional) {
    throw refuse(
      'watermark.field',
      `"${field}" may be missing or null`,
      'a watermark needs a value in every record: remove .optional() and .nullable()',
    )
  }
  if (property.watermark === null) {
    throw refuse(
      'watermark.field',
      `"${field}" cannot give a watermark`,
      'use a timestamp (z.iso.datetime(), epochMs()), an integer, or a text that sorts',
    )
  }
  return property.watermark
}

/** Decided by what the field's type accepts, where that is known. A text of any form is checked record by record. */
function orderedKind(
  schema: z.ZodObject,
  { field, zone }: WatermarkSpec,
  kind: WatermarkKind,
  refuse: Refuse,
): WatermarkKind {
  if (zone !== undefined && zone !== 'UTC') {
    throw refuse(
      'watermark.zone',
      `"${zone}" is not UTC: local times of other zones can repeat`,
      'request times in UTC or with an offset, or use a field that only grows',
    )
  }
  const type = schema.shape[field] as z.ZodType | undefined
  const texts = kind === 'iso' || kind === 'text' ? kind : null
  const disorder = type === undefined || texts === null ? null : disorderIn(type, texts)
  if (disorder?.isLocal === true && zone === 'UTC') return 'iso'
  if (disorder !== null) throw refuse('watermark.field', `"${field}" takes ${disorder.what}`, disorder.hint)
  if (zone !== undefined && (type === undefined || texts === null || !takesAnything(type))) {
    throw refuse('watermark.zone', `"${field}" does not have local times`, 'remove zone')
  }
  return kind
}

function refuseWrongEnd(
  { field, settle, to, toBody, inclusiveEnd }: WatermarkSpec,
  kind: WatermarkKind,
  refuse: Refuse,
): void {
  if (settle > 0 && !isInstant(kind)) {
    throw refuse(
      'watermark.settle',
      `is a time, but "${field}" is ${kind === 'text' ? 'a text' : 'an integer'} and cannot be compared with the time`,
      kind === 'text' ? 'remove settle' : 'use lookback: 1000, a number of units that are fetched again',
    )
  }
  if (inclusiveEnd && to === undefined && toBody === undefined) {
    throw refuse('watermark.inclusiveEnd', 'it needs an end', "add to: 'until', or remove inclusiveEnd")
  }
}

function refuseWrongForm({ field, as, lookback, exclusive }: WatermarkSpec, kind: WatermarkKind, refuse: Refuse): void {
  const instant = isInstant(kind)
  const back = longestMs(lookback.ms ?? lookback.units)
  if (kind === 'text' && back > 0) {
    throw refuse('watermark.lookback', `"${field}" is a text, and a text has no earlier value`, 'remove lookback')
  }
  if (kind === 'text' && exclusive) {
    throw refuse(
      'watermark.exclusive',
      `"${field}" is a text, and a text has no previous value: records equal to the watermark would be lost`,
      'use a timestamp or an integer, or a parameter that includes equal values',
    )
  }
  if (instant && lookback.units !== undefined && back > 0) {
    throw refuse('watermark.lookback', `is a number, but "${field}" is a timestamp`, "write a duration: '1m'")
  }
  if (!instant && lookback.ms !== undefined) {
    throw refuse('watermark.lookback', `is a duration, but "${field}" is an integer`, 'write a number of units: 100')
  }
  if (as === 'plain' && instant) {
    throw refuse(
      'watermark.as',
      `plain cannot write a timestamp, and "${field}" is one`,
      'remove as, or choose iso, epochMs or another',
    )
  }
  if (as !== undefined && typeof as !== 'function' && as !== 'plain' && !instant) {
    throw refuse('watermark.as', `${as} writes a timestamp, and "${field}" is not one`, 'remove as')
  }
}
