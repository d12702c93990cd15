/**
 * Changes that change nothing: no test can notice them. Each with its reason; `npm run mutate` says which of them no
 * longer exist.
 */
import type { Named } from './mutants.ts'

export type Equivalent = Named & { reason: string }

export const EQUIVALENTS: readonly Equivalent[] = [
  {
    file: 'services/fetcher/resume/parent-progress.ts',
    operator: 'operands swapped',
    original: 'startedMs - base.fullMs',
    replacement: 'base.fullMs - startedMs',
    lineText: 'const isFull = isForced || base.at === null || isDue(startedMs - base.fullMs, fullEvery)',
    nth: 0,
    reason: 'isDue takes the time in either direction, for a clock that was far ahead',
  },
  {
    file: 'services/fetcher/pages/walk-pages.ts',
    operator: 'condition',
    original: 'page.last',
    replacement: 'false',
    lineText: 'if (page.last) return',
    nth: 1,
    reason: 'the walk takes no page after the last one, so nothing runs after it here',
  },
  {
    file: 'services/fetcher/http/rate-limit/local-quota.ts',
    operator: 'condition',
    original: 'reservation?.waitMs === 0',
    replacement: 'false',
    lineText: 'if (reservation?.waitMs === 0) return reservation',
    nth: 0,
    reason:
      'spares a look at the other lanes: none has room sooner than now, and a later one of the same wait does not replace it',
  },
  {
    file: 'services/fetcher/pages/paginators/time-windows.ts',
    operator: 'other operator',
    original: '>',
    replacement: '>=',
    lineText: 'return windowFrom(ns(from), ns(until), halfMs, againTo !== null && ns(againTo) > ns(to) ? againTo : to)',
    nth: 0,
    reason: 'of two equal instants either is the later one, and watermarkText writes an instant in one way only',
  },
  {
    file: 'services/fetcher/pages/paginators/time-windows.ts',
    operator: 'other operator',
    original: '<',
    replacement: '<=',
    lineText: 'const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)',
    nth: 0,
    reason: 'of two equal numbers either is the smaller one',
  },
  {
    file: 'services/fetcher/watermark/progress.ts',
    operator: 'other operator',
    original: '>',
    replacement: '>=',
    lineText: 'return comparePositions(position, cap) > 0 ? cap : position',
    nth: 0,
    reason: 'only instants come this far, as bigints: one that equals the cap is the cap',
  },
  {
    file: 'services/fetcher/publish/page-publisher.ts',
    operator: 'branch',
    original: 'times === undefined ? {} : { times }',
    replacement: '({ times })',
    lineText: 'const more = { ...(times === undefined ? {} : { times }), ...(values === undefined ? {} : { values }) }',
    nth: 0,
    reason: 'deadLetterHeaders writes no header for a fact that is undefined',
  },
  {
    file: 'shared/instant.ts',
    operator: 'condition',
    original: 'plainMs !== null',
    replacement: 'false',
    lineText: 'if (plainMs !== null) return BigInt(plainMs) * NS_PER_MS',
    nth: 0,
    reason:
      'only the speed: the way below reads the same instant of every text that the quick one reads, which a test holds against it',
  },
  {
    file: 'shared/watermark.ts',
    operator: 'other operator',
    original: '>',
    replacement: '>=',
    lineText: 'const later = <P extends Position>(a: P, b: P): P => (a > b ? a : b)',
    nth: 0,
    reason: 'differs only where both are equal, and equal primitives are the same value',
  },
  {
    file: 'services/fetcher/validate/fast-path.ts',
    operator: 'condition',
    original: "def.type === 'boolean'",
    replacement: 'false',
    lineText: "if (def.type === 'boolean') return (value) => typeof value === 'boolean'",
    nth: 0,
    reason: 'only the speed: byZod takes its place, and accepts only a value that zod gives back as the same one',
  },
  {
    file: 'services/fetcher/http/auth/tokens/token-answer.ts',
    operator: 'branch',
    original: 'formats === undefined ? {} : { formats }',
    replacement: '({ formats })',
    lineText: 'const read = instant({ ...(formats === undefined ? {} : { formats }), zone }).safeParse(value)',
    nth: 0,
    reason: 'formats that are undefined are like none; only the type asks for the difference',
  },
]
