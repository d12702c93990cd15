/**
 * What a page says once about all of its records: values of its body, its headers or its partition. They are copied
 * into each raw record before filter, map and schema. A record's own field is never overwritten: if it has another
 * value, the record is rejected.
 */
import { isDeepStrictEqual } from 'node:util'
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { valuesFor } from '#shared/declaration/slice-values.ts'
import type { EnvelopeContext } from '#shared/declaration/source-spec.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { summaryOf } from '../pages/body-summary.ts'
import type { Fields } from './drift.ts'

export type { EnvelopeContext } from '#shared/declaration/source-spec.ts'

/** The source of a page's envelope. */
export function contextOf(
  stream: Stream,
  partition: number,
  page: Pick<EnvelopeContext, 'body' | 'headers'>,
): EnvelopeContext {
  return { body: page.body, headers: page.headers, values: valuesFor(stream, partition) }
}

/**
 * The values of one page by field. Throws Stopped (HR_ENVELOPE) for a place that the page lacks, unless it is
 * optional().
 */
export function envelopeOf(stream: Stream, context: EnvelopeContext): Fields {
  const found = Object.entries(stream.envelope ?? {}).map(
    ([field, from]) => [field, valueFrom(stream, field, from, context)] as const,
  )
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

type From = NonNullable<Stream['envelope']>[string]
type SimpleFrom = string | ((context: EnvelopeContext) => unknown)

function valueFrom(stream: Stream, field: string, from: From, context: EnvelopeContext): unknown {
  const { at, isOptional } = unwrapped<SimpleFrom>(from)
  const found = readFrom(stream, field, at, context)
  if (found !== undefined || isOptional) return found
  const where = typeof at === 'string' ? `"${at}"` : 'its function'
  const has = typeof at === 'string' && at.startsWith('{') ? 'the partition has no such value' : summaryOf(context.body)
  throw new Stopped(
    'HR_ENVELOPE',
    `${stream.label}: envelope.${field} is declared at ${where}, but there is nothing; ${has}`,
    {
      hint: `correct envelope; if the API omits it on purpose: ${field}: optional(…)`,
    },
  )
}

function readFrom(stream: Stream, field: string, from: SimpleFrom, context: EnvelopeContext): unknown {
  if (typeof from === 'string')
    return from.startsWith('{') ? ofPartition(context.values, from) : valueAt(context.body, from)
  try {
    return from(context)
  } catch (error) {
    throw new Stopped('HR_ENVELOPE', `${stream.label}: the function envelope.${field} throws: ${messageOf(error)}`, {
      hint: 'it gets { body, headers, values }: correct it for answers like this one',
    })
  }
}

function ofPartition(values: PartitionValues, placeholder: string): unknown {
  const name = placeholder.slice(1, -1)
  return Object.hasOwn(values, name) ? values[name] : undefined
}

/** The record with the page's values; a record that is not an object gets none. */
export function enveloped(raw: unknown, values: Fields): unknown {
  return isRecord(raw) ? { ...values, ...raw } : raw
}

/** A field that the record already has with another value; null if there is none. */
export function clashOf(raw: unknown, values: Fields): string | null {
  if (!isRecord(raw)) return null
  const field = Object.keys(values).find((name) => Object.hasOwn(raw, name) && !areEqual(raw[name], values[name]))
  return field === undefined ? null : `${field}: the record has a value of its own, which is not that of the envelope`
}

/** A value too deep to be compared counts as another value: no content of a record may end a run. */
function areEqual(a: unknown, b: unknown): boolean {
  try {
    return isDeepStrictEqual(a, b)
  } catch {
    return false
  }
}

const isRecord = (raw: unknown): raw is Fields => typeof raw === 'object' && raw !== null && !Array.isArray(raw)
