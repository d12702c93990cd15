/**
 * Whether a side has loaded everything: rows, different keys, and exact sums over keys, 64-bit integers and money. What
 * must be there is computed from the pages of the API, without any of the sides.
 */
import { PAGE_RECORDS } from '../pages.ts'
import { REALISTIC_STREAMS, type RealisticStream } from '../realistic.ts'
import { pagesOfPartition, WALK_LISTS } from '../walk-sets.ts'

/** The sums are texts, since they exceed what a double holds. */
export type Totals = { rows: number; keys: number; keySum: string; numberSum: string; cents: string }

type Order = { number: bigint; total: number }
type Body = { data: (Order | { attributes: Order })[] }

/** Of one partition. */
export function expectedTotals(recordsInAll: number): Record<RealisticStream, Totals> {
  const totals = WALK_LISTS.realistic.map((list): [string, Totals] => {
    const pages = pagesOfPartition(list, recordsInAll, 1)
    const orders = bodyOf(list.writer()(0, null)).data.map((each) => ('attributes' in each ? each.attributes : each))
    const rows = pages * PAGE_RECORDS
    return [
      list.name,
      {
        ...{ rows, keys: rows, keySum: String((BigInt(rows) * BigInt(rows - 1)) / 2n) },
        numberSum: String(BigInt(pages) * orders.reduce((sum, { number }) => sum + number, 0n)),
        cents: String(pages * orders.reduce((sum, { total }) => sum + Math.round(total * 100), 0)),
      },
    ]
  })
  return Object.fromEntries(totals) as Record<RealisticStream, Totals>
}

/** Reads what `expectedTotals` computes. `from`: a table, with FINAL where that is needed. */
export const totalsQuery = (from: string): string =>
  [
    'SELECT count() AS rows, uniqExact(id) AS keys, toString(sum(toUInt64(id))) AS keySum,',
    'toString(sum(toInt128(number))) AS numberSum, toString(sum(toInt64(round(total * 100)))) AS cents',
    `FROM ${from}`,
  ].join(' ')

/** One text for each difference; none if everything is there. */
export function differences(
  expected: Record<RealisticStream, Totals>,
  found: Record<RealisticStream, Totals>,
): string[] {
  return REALISTIC_STREAMS.flatMap((list) =>
    (Object.keys(expected[list]) as (keyof Totals)[])
      .filter((name) => expected[list][name] !== found[list][name])
      .map((name) => `${list}: ${name} ${found[list][name]} instead of ${expected[list][name]}`),
  )
}

/** Integers as their digits, which JSON.parse alone would round. */
function bodyOf(page: Buffer): Body {
  const exact = (key: string, value: unknown, context?: { source?: string }) =>
    key === 'number' ? BigInt(context?.source ?? '') : value
  return JSON.parse(page.toString(), exact as (key: string, value: unknown) => unknown) as Body
}
