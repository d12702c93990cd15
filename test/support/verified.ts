/** `headrace verify` as an oracle: topic, ledger and table of a stream agree up to what is committed. */
import assert from 'node:assert/strict'
import { openClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { verifyStream } from '../../services/operator/verify/verify.ts'
import type { Place } from './published.ts'

/** `known`: kinds of differences that the test has made itself. */
export async function assertVerified(
  place: Place,
  stream = 'shop.orders',
  known: readonly string[] = [],
): Promise<void> {
  const clickhouse = openClickHouse(place.config.clickhouse)
  try {
    const tools = { ...place, clickhouse, clock: systemClock, database: place.config.clickhouse.database }
    const { partitions } = await verifyStream(tools, stream, { examples: 5 })
    const differences = partitions.flatMap((each) => each.differences).filter(({ kind }) => !known.includes(kind))
    assert.deepEqual(differences, [], 'headrace verify finds no difference')
  } finally {
    await clickhouse.close()
  }
}
