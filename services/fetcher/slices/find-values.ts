/**
 * Finds the value sets of a stream's slices: by a function, or in the records of a parent. Unions and products combine
 * such parts. Throws Stopped (HR_DISCOVERY) for a function that is wrong, and any other error of the client.
 */
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import type { DiscoveryPart, DiscoverySpec } from '#shared/declaration/discovery.ts'
import { isList } from '#shared/declaration/discovery-parts.ts'
import type { ScalarValues } from '#shared/declaration/parent.ts'
import { scalars } from '#shared/declaration/request-functions.ts'
import type { Stopped } from '#shared/errors.ts'
import { cutText } from '#shared/shown.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import { byFunction } from './by-function.ts'
import { byParent } from './by-parent.ts'
import type { DiscoveryTools, FoundValues } from './discovery-tools.ts'
import { productOf } from './product.ts'
import { wrongValues } from './wrong-values.ts'

/** `reached`: by the records of an incremental parent; undefined without one. */
export type FoundPart = { values: FoundValues[]; reached?: string | null }

/** `since`: the position from which an incremental parent is read; null for all of its records. */
export async function findValues(
  tools: DiscoveryTools,
  part: DiscoveryPart | DiscoverySpec,
  since: string | null,
  stop: Stop,
): Promise<FoundPart> {
  const { stream } = tools
  if (isList(part)) return { values: part.map((values) => ({ values })) }
  switch (part.kind) {
    case 'discover':
      return { values: checked(stream, listOf(stream, await byFunction(tools, part.values, stop))) }
    case 'parent': {
      const isIncremental = part.incremental !== undefined
      const { found, reached } = await byParent(tools, part, isIncremental ? since : null, stop)
      return { values: checked(stream, found), ...(isIncremental ? { reached } : {}) }
    }
    default: {
      const found: FoundPart[] = []
      for (const each of part.of) found.push(await findValues(tools, each, since, stop))
      const sets = found.map(({ values }) => values)
      const reached = found.find((each) => each.reached !== undefined)?.reached
      return {
        values: part.kind === 'union' ? sets.flat() : productOf(stream, sets, part.slicesMax),
        ...(reached === undefined ? {} : { reached }),
      }
    }
  }
}

function listOf(stream: Stream, found: unknown): { values: unknown }[] {
  if (!Array.isArray(found)) throw notAList(stream, '')
  return found.map((values) => ({ values }))
}

type Unchecked = { values: unknown; extra?: unknown; changed?: boolean }

function checked(stream: Stream, found: readonly Unchecked[]): FoundValues[] {
  return found.map(({ values, extra, changed }, index) => ({
    values: scalarsIn(stream, values, String(index), ''),
    ...(extra === undefined ? {} : { extra: scalarsIn(stream, extra, String(index), 'extra.') }),
    ...(changed === undefined ? {} : { changed }),
  }))
}

function scalarsIn(stream: Stream, given: unknown, at: string, prefix: string): ScalarValues {
  const parsed = scalars.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = [at, ...(issue?.path ?? [])].map(String).join('.')
  throw notAList(stream, prefix + path)
}

const notAList = (stream: Stream, at: string): Stopped =>
  wrongValues(
    stream,
    `does not return a list of values${at === '' ? '' : ` (at ${at})`}`,
    "each is an object of texts, numbers and booleans: { account: '7' }; a * in a pointer stands for list elements",
  )

/** Throws Stopped for values that lack what the path needs. */
export function refuseLacking(stream: Stream, found: readonly FoundValues[]): void {
  const names = [...(typeof stream.path === 'string' ? stream.path : '').matchAll(/\{([^{}]*)\}/g)].map(
    ([, name]) => name ?? '',
  )
  for (const { values, extra = {} } of found) {
    const lacking = names.find((name) => !Object.hasOwn(values, name) && !Object.hasOwn(extra, name))
    if (lacking === undefined) continue
    const shown = cutText(JSON.stringify(values satisfies PartitionValues), SHOWN_CHARS)
    throw wrongValues(
      stream,
      `returns values without {${lacking}}, which the path needs: ${shown}`,
      `add ${lacking}: …`,
    )
  }
}

const SHOWN_CHARS = 80
