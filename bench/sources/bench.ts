/** The bench's source as a folder of declarations, for services that run as processes of their own. */
import { environment } from '#shared/config/config.ts'
import { benchSource } from '../events.ts'

const { BENCH_FEED_EVERY_MS, BENCH_PARTITIONS = '1' } = environment
const partitions = Number(BENCH_PARTITIONS)

export default BENCH_FEED_EVERY_MS === undefined
  ? benchSource(partitions)
  : benchSource(partitions, Number(BENCH_FEED_EVERY_MS))
