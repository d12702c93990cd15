/**
 * Pages for a server that is killed in the middle of something: small batches that close at once, the first of them
 * surely committed.
 */
import { commits, until } from '../support/loading.ts'
import { order, type Place, type Published } from '../support/published.ts'

export const PAGES = 8
export const PAGE_RECORDS = 200
export const ROWS = PAGES * PAGE_RECORDS
export const CLOSE_BATCHES = {
  LOADER_BATCH_AGE_MS: '50',
  LOADER_BATCH_ROWS: String(2 * PAGE_RECORDS),
  LOADER_IN_FLIGHT_BYTES: '300000',
}

export const offsetOf = async (place: Place, { topic }: Published): Promise<number> =>
  (await commits(place, topic))[0]?.offset ?? 0

export async function page(orders: Published, number: number): Promise<void> {
  const records = Array.from({ length: PAGE_RECORDS }, (_, key) => ({
    ...order(number * PAGE_RECORDS + key),
    note: 'n'.repeat(300),
  }))
  await orders.page({ records })
}

export async function firstPage(place: Place, orders: Published): Promise<void> {
  await page(orders, 0)
  await until('the first page is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
}
