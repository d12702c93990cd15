/**
 * Records as APIs have them, made from a seed: ~450 bytes of JSON on average. A share of them each has a 64-bit integer
 * beyond 2^53, decimals as numbers, undeclared fields at the top and below, nested objects and lists, nulls, fields
 * that are missing, and long texts. Half of the pages have plain records, a quarter has an envelope, a quarter is
 * unwrapped by a map.
 */
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { between, randomFrom } from '../test/support/random.ts'
import { ID_HOLE, numberOf, PAGE_RECORDS, type PageWriter, pageWriterOf, TIME_HOLE } from './pages.ts'
import { realisticSource, STATUSES } from './realistic-sources/real.ts'

export const REALISTIC_STREAMS = ['orders', 'enveloped', 'mapped'] as const
export type RealisticStream = (typeof REALISTIC_STREAMS)[number]
/** Of all realistic records. */
export const REALISTIC_SHARES: Readonly<Record<RealisticStream, number>> = {
  orders: 1 / 2,
  enveloped: 1 / 4,
  mapped: 1 / 4,
}

const SEED = 20_261_130
const CITIES = ['Reykjavík', 'Akureyri', 'Húsavík', 'Ísafjörður'] as const
const LONG_TEXT_CHARS = 1_200
const HEAD = { account: 'acct-0042', region: 'is' }

export function realisticStream(name: RealisticStream, partitions = 1): Stream {
  const found = compileSource(realisticSource(partitions).input, 'bench/realistic.ts').streams.find(
    (each) => each.name === name,
  )
  if (found === undefined) throw new RangeError(name)
  return found
}

/** Pages of one stream; the same for the same seed. */
export function realisticWriter(stream: RealisticStream, seed = SEED): PageWriter {
  const random = randomFrom(seed)
  const orders = Array.from({ length: PAGE_RECORDS }, () => orderOf(random))
  if (stream === 'mapped')
    return pageWriterOf(orders.map(({ id, ...attributes }) => ({ id, type: 'order', attributes })))
  return pageWriterOf(orders, stream === 'enveloped' ? HEAD : {})
}

function orderOf(random: () => number) {
  const oneIn = (count: number) => random() * count < 1
  const pick = <T>(from: readonly T[]): T => from[between(random, 0, from.length - 1)] as T
  const money = (digits: number) => between(random, 1, 10 ** 6) / 10 ** digits
  const degrees = (from: number, to: number) => between(random, from * 10 ** 5, to * 10 ** 5) / 10 ** 5
  const line = () => ({ sku: `sku-${between(random, 1000, 9999)}`, quantity: between(random, 1, 9), price: money(2) })
  return {
    id: ID_HOLE,
    number: oneIn(2)
      ? numberOf(`8${between(random, 10 ** 14, 10 ** 15 - 1)}${between(random, 100, 999)}`)
      : between(random, 1, 10 ** 9),
    customer: `customer-${between(random, 0, 50_000)}`,
    status: pick(STATUSES),
    total: money(2),
    tax: oneIn(3) ? null : money(4),
    weight: between(random, 1, 80) / 8,
    note: oneIn(3) ? null : noteOf(oneIn(20) ? LONG_TEXT_CHARS : between(random, 10, 60)),
    ...(oneIn(4) ? { coupon: 'AUTUMN-10' } : {}),
    shipping: {
      city: pick(CITIES),
      postcode: String(between(random, 100, 999)),
      place: oneIn(4) ? null : { lat: degrees(63, 66), lon: degrees(-24, -14) },
      ...(oneIn(10) ? { carrier_hint: 'leave at the door' } : {}),
    },
    lines: Array.from({ length: between(random, 0, 2) }, line),
    ...(oneIn(2)
      ? { channel: pick(['web', 'app', 'shop']), loyalty: { tier: 'gold', points: between(random, 0, 9999) } }
      : {}),
    created_at: TIME_HOLE,
    updated_at: TIME_HOLE,
  }
}

const WORDS = 'leave it with the neighbours at the "blue" door, please, and ring the bell twice\n'
const noteOf = (chars: number): string => WORDS.repeat(Math.ceil(chars / WORDS.length)).slice(0, chars)
